"""What comes before a request is known is bounded, on real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from server.edge import http_uvicorn
from server.edge.http_uvicorn import LARGEST_HEAD, HttpProtocol


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Run an application that tells the length of bodies; give a connection to it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        await PlainTextResponse(str(len(body)))(scope, receive, send)

    config = uvicorn.Config(app, port=0, http=HttpProtocol, lifespan="off", log_config=None)
    server = _Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        await server.listening.wait()
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()[:2])
        try:
            yield reader, writer
        finally:
            writer.close()
            server.should_exit = True


async def answer_to(*parts: bytes) -> bytes:
    """Return all that the server answers; nothing if it has closed before it has read all."""
    async with connected() as (reader, writer):
        async with asyncio.timeout(20):
            with suppress(ConnectionResetError):
                return await _exchanged(reader, writer, parts)
            return b""


async def _exchanged(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parts: Sequence[bytes]) -> bytes:
    for part in parts:
        writer.write(part)
        await writer.drain()
    return await reader.read()


HEAD = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"


@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_bodies_are_not_heads(size: int) -> None:
    """However long it is, whole or in chunks, a body comes through."""
    whole = await answer_to(HEAD + b"content-length: %d\r\n\r\n" % size, b"x" * size)
    chunks = [b"400\r\n" + b"x" * 1_024 + b"\r\n"] * (size // 1_024)
    chunked = await answer_to(HEAD + b"transfer-encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")
    assert whole.endswith(b"\r\n\r\n%d" % size)
    assert chunked.endswith(b"\r\n\r\n%d" % (size // 1_024 * 1_024))


async def test_headers_that_are_too_long_are_refused() -> None:
    """One long value, or trailers behind a body: the connection is closed, with 431 for who still listens."""
    much = b"x-much: " + b"x" * LARGEST_HEAD
    assert (await answer_to(HEAD + much)).startswith(b"HTTP/1.1 431 ")
    trailing = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
    assert (await answer_to(trailing, much * 5)).removeprefix(b"HTTP/1.1 431 ")[:3] in {b"", b"Req"}


async def test_headers_that_do_not_end_in_time_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who connects and sends next to nothing holds no connection for ever."""
    monkeypatch.setattr(http_uvicorn, "HEAD_SECONDS", 0.05)
    assert await answer_to() == b""
    assert await answer_to(b"POST / HTTP/1.1\r\nhost:") == b""
