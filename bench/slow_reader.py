"""A client that reads one byte a second of answers that it asks for again and again."""

import asyncio
import base64
import json
import os
import socket
from types import TracebackType
from typing import Self

import psutil
import websockets
from relay.load import Door
from websockets.frames import Frame, Opcode


class SlowReader:
    """Asks for a long answer, then reads a byte a second; `fate` tells what the server does about it."""

    def __init__(self, door: Door, model: str) -> None:
        self._door = door
        self._model = model
        self._key = door.keys.read_text().split()[-1] if door.keys else ""
        self._socket = socket.socket()
        self._read = 0

    async def __aenter__(self) -> Self:
        self._response = await self._answered()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", self._door.port))
        await loop.sock_sendall(self._socket, self._handshake())
        await loop.sock_recv(self._socket, 1024)
        for number in range(16 * 4):
            ask = {"type": "parley:resume", "response_id": self._response, "stream_id": f"s{number % 16}"}
            await loop.sock_sendall(self._socket, _masked(json.dumps(ask)))
        self._reading = asyncio.create_task(self._read_slowly())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reading.cancel()
        self._socket.close()

    async def fate(self, patience: float) -> str:
        """Wait until the server has closed the connection; then resume on another one, to the end."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        # The server's process is asked: the reader's own buffer has bytes long after the connection is gone.
        while self._connected():
            if loop.time() - began > patience:
                return f"still connected after {patience:.0f} s"
            await asyncio.sleep(1)
        closed = loop.time() - began
        text = await self._resumed()
        return (
            f"dropped within {closed:.0f} s, {self._read} bytes read; resumed elsewhere to all {len(text):,} characters"
        )

    def _connected(self) -> bool:
        mine = self._socket.getsockname()[1]
        open_ones = psutil.Process(self._door.pid).net_connections("tcp")
        return any(one.raddr and one.raddr.port == mine for one in open_ones)

    async def _answered(self) -> str:
        async with self._connect() as client:
            await client.send(json.dumps({"type": "response.create", "model": self._model, "input": "hi"}))
            async for text in client:
                event = json.loads(text)
                if event["type"] == "response.completed":
                    return str(event["response"]["id"])
        raise AssertionError("an answer has an end")

    async def _resumed(self) -> str:
        async with self._connect() as client:
            await client.send(json.dumps({"type": "parley:resume", "response_id": self._response}))
            whole = ""
            async for text in client:
                event = json.loads(text)
                whole += event.get("delta", "")
                if event["type"] == "response.completed":
                    break
        return whole

    def _connect(self) -> websockets.connect:
        url = f"ws://127.0.0.1:{self._door.port}/v1/responses?extensions=parley"
        headers = {"authorization": f"Bearer {self._key}"}
        return websockets.connect(url, additional_headers=headers, compression=None, max_size=None)

    def _handshake(self) -> bytes:
        nonce = base64.b64encode(os.urandom(16)).decode()
        return (
            f"GET /v1/responses?extensions=parley HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {self._key}\r\n\r\n"
        ).encode()

    async def _read_slowly(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.sock_recv(self._socket, 1):
                self._read += len(data)
                await asyncio.sleep(1)
        except OSError:
            return


def _masked(text: str) -> bytes:
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)
