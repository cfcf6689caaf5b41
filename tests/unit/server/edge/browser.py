"""A client of the whole application, with fakes behind the doors."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from server.edge.web import create
from tests.unit.server.edge.doors import World

KEY = {"authorization": "Bearer sk-ana"}


@contextmanager
def visiting(world: World, headers: dict[str, str] | None = None) -> Iterator[TestClient]:
    """Give a client of the application that runs on `world`; by default Ana's key goes with each request."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = world.services
        yield

    with TestClient(create(lifespan), headers=KEY if headers is None else headers) as client:
        yield client


def error_of(response: Any) -> tuple[int, str]:
    """Return status and code of a refusal, after checking its shape."""
    error = response.json()["error"]
    assert {"message", "type", "param", "code"} <= error.keys()
    assert response.headers["x-request-id"].startswith("req_")
    return response.status_code, error["code"]
