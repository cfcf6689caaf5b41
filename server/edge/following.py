"""HTTP answers that follow a turn: whole when it has ended, or as a stream of server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.events import Event, Opened, last_seq
from server.edge.errors_http import respond
from server.edge.refusals import lost

KEEP_ALIVE: Final = 15.0

STALLED: Final = 30.0
"""Seconds that a client may take to accept one piece of a stream; who takes longer is left, and may come back."""

_STREAM_HEADERS: Final = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache, no-transform"}


class Follower:
    """One request's place in a turn. Hears of news and of the client's leaving."""

    def __init__(self, live: LiveTurn, position: int = -1) -> None:
        self._live = live
        self.position = position
        self._news = asyncio.Event()
        self._gone = False

    @asynccontextmanager
    async def here(self, receive: Receive) -> AsyncIterator[None]:
        """Follow the turn until the block ends; `receive` tells when the client has left."""
        leave = self._live.follow(self._news.set)
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch(receive))
                yield
                watch.cancel()
        except BaseExceptionGroup as group:
            # Whoever looks for what failed knows of no tasks here.
            first = group.exceptions[0]
            raise first from first.__cause__
        finally:
            leave()

    async def wait(self, patience: float, *, beyond: int | None = None) -> bool:
        """Wait at most `patience` seconds for something after `beyond`, for the end, or for the client's leaving.

        Returns whether there is reason to go on: false when all is told or nobody listens.
        """
        beyond = self.position if beyond is None else beyond
        try:
            async with asyncio.timeout(patience):
                while not (self._gone or self._live.ended or self._live.after(beyond)):
                    await self._news.wait()
                    self._news.clear()
        except TimeoutError:
            return True
        return not self._gone and bool(self._live.after(self.position) or not self._live.ended)

    def take(self) -> Sequence[Event]:
        """Return what is new; it counts as told."""
        events = self._live.after(self.position)
        if events:
            self.position = last_seq(events[-1])
        return events

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._news.set()


class WholeAnswer(Response):
    """The turn as one JSON object, once it has ended; `render` may raise `Refused`."""

    def __init__(
        self, live: LiveTurn, render: Callable[[LiveTurn], Mapping[str, Any]], extra: Mapping[str, str]
    ) -> None:
        super().__init__()
        self._live = live
        self._render = render
        self._extra = extra

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the end and send it."""
        follower = Follower(self._live)
        async with follower.here(receive):
            while not self._live.ended:
                if not await follower.wait(KEEP_ALIVE, beyond=_FOREVER):
                    break
            await self._answer()(scope, receive, send)

    def _answer(self) -> Response:
        if self._live.outcome is None:
            return respond(lost(self._live))
        try:
            return JSONResponse(self._render(self._live), headers=dict(self._extra))
        except Refused as refused:
            return respond(refused)


class StreamedAnswer(Response):
    """The turn as server-sent events, from a position on.

    `fail_early` may return what the client is told with an HTTP status, if the turn failed before it said anything.
    """

    def __init__(
        self,
        live: LiveTurn,
        *,
        show: Callable[[Sequence[Event], int], bytes],
        break_off: Callable[[Refused, int], bytes],
        fail_early: Callable[[LiveTurn], Refused | None] = lambda _: None,
        position: int = -1,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._live = live
        self._show = show
        self._break_off = break_off
        self._fail_early = fail_early
        self._position = position
        self._extra = extra or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is new as it comes, comments while nothing comes, and the end.

        A client that does not read gets no end: the server closes its connection.
        """
        follower = Follower(self._live, self._position)
        with suppress(_Stalled):
            async with follower.here(receive):
                await self._stream(follower, scope, receive, send)

    async def _stream(self, follower: Follower, scope: Scope, receive: Receive, send: Send) -> None:
        # The status is held back until the answer has begun, so that a provider's failure can still be one.
        await follower.wait(KEEP_ALIVE, beyond=max(self._position, _opened(self._live)))
        refused = self._fail_early(self._live)
        if refused is not None:
            await respond(refused)(scope, receive, send)
            return
        headers = {**_STREAM_HEADERS, **self._extra}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await _within(STALLED, send({"type": "http.response.start", "status": 200, "headers": raw}))
        while await follower.wait(KEEP_ALIVE):
            after = follower.position
            events = follower.take()
            data = self._show(events, after) if events else b": keep-alive\n\n"
            await _within(STALLED, send({"type": "http.response.body", "body": data, "more_body": True}))
            self._live.delivered = True
        end = b"" if self._live.outcome else self._break_off(lost(self._live), follower.position + 1)
        await _within(STALLED, send({"type": "http.response.body", "body": end}))


class _Stalled(Exception):  # noqa: N818  the client's doing
    """The client does not read."""


async def _within(seconds: float, sending: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await sending
    except TimeoutError:
        raise _Stalled from None


_FOREVER: Final = 2**62


def _opened(live: LiveTurn) -> int:
    first = live.events[0] if live.events else None
    return last_seq(first) if isinstance(first, Opened) else -1
