"""The process that serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI

from server.edge.web import create
from server.serving import Server
from tests.harness import settings_in


async def test_a_server_whose_engine_has_failed_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It neither goes on saying that it is ready nor waits for answers, so that a supervisor starts it again."""
    fails = asyncio.Event()

    async def work() -> None:
        await fails.wait()
        raise OSError("no disk")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work())
            yield

    server = Server(create(lifespan), settings_in(tmp_path), ready=lambda _: fails.set())
    async with asyncio.timeout(30):
        await server.serve()
    assert server.fell
    assert "no disk" in caplog.text
