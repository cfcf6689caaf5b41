"""The way out that uvicorn's connection offers, on real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
import websockets
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.edge.outlet import Frames, Outlet
from server.edge.wire_uvicorn import WireProtocol

Serve = Callable[[WebSocket], Awaitable[None]]


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[str]:
    """Run an application with one socket; give its address."""

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        websocket = WebSocket(scope, receive, send)  # type: ignore[arg-type]  # as ASGI passes them
        await websocket.accept()
        await serve(websocket)

    config = uvicorn.Config(app, port=0, ws=WireProtocol, ws_per_message_deflate=False, lifespan="off", log_config=None)
    server = _Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        await server.listening.wait()
        yield "ws://{}:{}".format(*server.servers[0].sockets[0].getsockname()[:2])
        server.should_exit = True


async def test_encoded_frames_reach_a_client() -> None:
    """Several frames in one write arrive as messages, in order, between those that ASGI sends."""

    async def serve(websocket: WebSocket) -> None:
        outlet = Outlet(websocket)
        await websocket.send_text("before")
        assert outlet.ready
        outlet.write([Frames(["one", "two"]), Frames(["x" * 70_000])])
        await outlet.send(Frames(["three"]))
        await websocket.close()

    async with served(serve) as address, websockets.connect(address) as client:
        assert [len(text) if len(text) > 9 else text async for text in client] == [
            "before",
            "one",
            "two",
            70_000,
            "three",
        ]


async def test_a_client_that_does_not_read_is_waited_for() -> None:
    """While a client is far behind, writing waits; when it has left, waiting ends with a disconnect."""
    behind = asyncio.Event()
    gone: list[int] = []

    async def serve(websocket: WebSocket) -> None:
        outlet = Outlet(websocket)
        try:
            while True:
                await outlet.room()
                outlet.write([Frames(["x" * 100_000])])
                if not outlet.ready:
                    behind.set()
        except WebSocketDisconnect as left:
            gone.append(left.code)

    async with served(serve) as address:
        client = await websockets.connect(address, max_queue=1, ping_interval=None)
        await asyncio.wait_for(behind.wait(), 10)
        client.transport.abort()
    assert gone == [1006]


@pytest.mark.parametrize("code", [1000, 1012])
async def test_nothing_is_written_after_the_close(code: int) -> None:
    """After the closing frame the way out is not ready, so that no frame follows it."""
    ready: list[bool] = []

    async def serve(websocket: WebSocket) -> None:
        await websocket.close(code)
        ready.append(Outlet(websocket).ready)

    async with served(serve) as address, websockets.connect(address) as client:
        await client.wait_closed()
        assert client.close_code == code
    assert ready == [False]


async def test_messages_in_parts_arrive_and_pings_are_answered() -> None:
    """Parts of the size that clients send, and now and then a ping, are bounded by nothing here."""
    heard: list[str] = []

    async def serve(websocket: WebSocket) -> None:
        heard.append(await websocket.receive_text())
        await websocket.send_text("thanks")

    async with served(serve) as address, websockets.connect(address) as client:
        await client.send("x" * 4_096 for _ in range(2_000))
        await (await client.ping())
        assert await client.recv() == "thanks"
    assert heard == ["x" * 4_096 * 2_000]


@pytest.mark.parametrize("what", ["parts", "pings"])
async def test_frames_that_ask_for_nothing_are_bounded(what: str) -> None:
    """Who sends small frames by the thousand is closed; they would keep the server from everybody else."""

    async def serve(websocket: WebSocket) -> None:
        with suppress(WebSocketDisconnect):
            await websocket.receive_text()

    async with served(serve) as address, websockets.connect(address, ping_interval=None) as client:
        with suppress(websockets.ConnectionClosed):
            if what == "parts":
                await client.send("x" for _ in range(5_000))
            else:
                for _ in range(5_000):
                    await client.ping()
        await client.wait_closed()
        assert client.close_code == 1008


async def test_pings_of_who_reads_nothing_are_not_answered_into_memory() -> None:
    """While a client takes nothing, what it asks for is not kept for it."""
    behind, over = asyncio.Event(), asyncio.Event()
    sizes: list[int] = []

    async def serve(websocket: WebSocket) -> None:
        outlet = Outlet(websocket)
        while outlet.ready:
            outlet.write([Frames(["x" * 100_000])])
        transport = outlet.wire.transport  # type: ignore[union-attr]
        sizes.append(transport.get_write_buffer_size())
        behind.set()
        await over.wait()
        sizes.append(transport.get_write_buffer_size())

    async with served(serve) as address:
        client = await websockets.connect(address, max_queue=1, ping_interval=None)
        await asyncio.wait_for(behind.wait(), 10)
        for _ in range(500):
            await client.ping()
        await asyncio.sleep(0)
        over.set()
        client.transport.abort()
    assert sizes[1] <= sizes[0]
