"""A line between clients and a node that can be cut, or go dead without a word."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Call:
    """One connection through the line."""

    writers: list[asyncio.StreamWriter]
    dead: bool = False

    def abort(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


@dataclass(eq=False)
class Line:
    """Passes bytes on to a port of this machine, for all who connect to `port`."""

    to: int
    port: int = 0
    _calls: set[_Call] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def cut(self, chance: random.Random) -> bool:
        """Reset one of the connections; False if there is none."""
        call = self._any(chance)
        if call is not None:
            call.abort()
        return call is not None

    def deaden(self, chance: random.Random) -> bool:
        """Let one of the connections stay open at both ends while nothing passes any more; False if there is none."""
        call = self._any(chance)
        if call is not None:
            call.dead = True
        return call is not None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until either end has left."""
        call = _Call([writer])
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            call.abort()
            return
        call.writers.append(far_writer)
        self._calls.add(call)
        ways = [asyncio.create_task(_pass(call, *way)) for way in ((reader, far_writer), (far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._calls.discard(call)
            call.abort()

    def _any(self, chance: random.Random) -> _Call | None:
        alive = [call for call in self._calls if not call.dead]
        return chance.choice(alive) if alive else None


async def _pass(call: _Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            if not call.dead:
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def line(to: int) -> AsyncIterator[Line]:
    """Lay a line for the time of the context."""
    one = Line(to)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        for call in list(one._calls):
            call.abort()
