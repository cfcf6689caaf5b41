"""Reads one answer of a provider off its connection, each read one batch.

This is on the way of every delta, so one watch bounds all the waits of an answer, and no layer lies between the
connection's buffer and the decoder.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Self

import aiohttp

from server.adapters.prefix_echo import PrefixEcho
from server.adapters.sse_bytes import LINE_LIMIT, AnswerDecoder
from server.core.ports import Batch, UpstreamFailed

_TAIL_WAIT: Final = 0.1
"""Seconds to wait for the end of the transfer after the end of the answer, so that the connection can be used again."""


class Reading:
    """The batches of an answer, without the echo of `prefix`.

    Raises what aiohttp raises and `UpstreamFailed`; a `TimeoutError` if what `watch` allows is over.
    """

    def __init__(self, response: aiohttp.ClientResponse, *, prefix: str) -> None:
        self._content = response.content
        self._streams = not response.headers.get("content-type", "").startswith("application/json")
        self._decoder = AnswerDecoder()
        self._echo = PrefixEcho(prefix)
        self._loop = asyncio.get_running_loop()
        self._waiting_since: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        while not self._decoder.complete:
            batch = await self._next() if self._streams else self._decoder.document(await self._whole())
            if batch is None:
                continue
            text = self._echo.feed(batch.text)
            if batch.finish:
                text += self._echo.close()
                await self._finish()
            if text != batch.text:
                batch = replace(batch, text=text)
            if text or batch.finish or batch.asides or batch.tokens:
                return batch
        raise StopAsyncIteration

    def watch(self, *, idle: float, until: float) -> Callable[[], None]:
        """Let no read wait longer than `idle` seconds, nor beyond `until` of the loop's clock; return what ends it."""

        def look() -> None:
            now = self._loop.time()
            due = min(until, (now if self._waiting_since is None else self._waiting_since) + idle)
            if now < due:
                self._watch = self._loop.call_at(due, look)
            else:
                self._content.set_exception(TimeoutError())

        look()
        return self._unwatch

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    async def _next(self) -> Batch | None:
        self._waiting_since = self._loop.time()
        try:
            data = await self._content.readany()
        except (aiohttp.ClientError, OSError):
            if not self._decoder.finished:
                raise
            data = b""
        finally:
            self._waiting_since = None
        return self._decoder.feed(data) if data else self._decoder.end()

    async def _whole(self) -> bytes:
        data = bytearray()
        self._waiting_since = self._loop.time()
        while read := await self._content.readany():
            data += read
            if len(data) > LINE_LIMIT:
                raise UpstreamFailed("upstream_broke_off", "It sent an answer of over 4 MiB.", elsewhere=False)
        return bytes(data)

    async def _finish(self) -> None:
        with suppress(aiohttp.ClientError, OSError):
            async with asyncio.timeout(_TAIL_WAIT):
                while await self._content.readany():
                    pass
