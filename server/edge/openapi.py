"""`python -m server.edge.openapi` writes out what `/openapi.json` serves, which `docs/openapi.json` holds."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from server.edge.web import create


@asynccontextmanager
async def _never(_: FastAPI) -> AsyncIterator[None]:
    yield


def text() -> str:
    """Return the description as the file has it."""
    return json.dumps(create(_never).openapi(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
