"""One WebSocket: frames in, answers out, and every way in which it closes. The same for every WebSocket door."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from server.chat.live import LiveTurn
from server.chat.observing import refused
from server.chat.refusals import draining
from server.core.errors import (
    CLOSE_BINARY,
    CLOSE_EXPIRED,
    CLOSE_LIFETIME,
    CLOSE_RESTART,
    CLOSE_SLOW,
    CLOSE_SUSPENDED,
    Close,
    Refused,
)
from server.core.records import Actor
from server.edge import asked, completions_render, extensions
from server.edge.answers import Answers, Cursor, Ticket
from server.edge.asked import Asked, Delivery
from server.edge.body import decoded
from server.edge.door import PATIENT, Door, Patience
from server.edge.fields import Fields
from server.edge.follows import Follows
from server.edge.outlet import Frames, Outlet
from server.edge.refusals import handed_over, lost, told
from server.edge.services import Services
from server.edge.showing import news_of

_CLOSING: Final = 5.0
_MOST_SAID: Final = 64
_AHEAD: Final = 256 * 1024
"""Characters of frames after which no further answer is rendered before the client has taken these."""

_log = logging.getLogger("parley.edge")

_CLOSES: Final = {"invalid_api_key": CLOSE_EXPIRED, "user_suspended": CLOSE_SUSPENDED}


class Socket:
    """An accepted WebSocket. `who` returns the actor as they are now, or raises `Refused`."""

    def __init__(
        self,
        *,
        websocket: WebSocket,
        door: Door,
        services: Services,
        who: Callable[[], Awaitable[Actor]],
        extended: bool,
        patience: Patience = PATIENT,
    ) -> None:
        self._websocket = websocket
        self._outlet = Outlet(websocket)
        self._door = door
        self._services = services
        self._who = who
        self._extended = extended
        self._patience = patience
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._said: deque[str] = deque()
        self._answers = Answers(refuse=self._refuse, changed=self._change, show=self._show)
        self._follows = Follows(
            conversations=services.conversations,
            answers=self._answers,
            say=self._say,
            room=lambda: self._wait_for_room(1),
            refuse=self._refuse,
            behind=lambda: self._end(CLOSE_SLOW),
        )
        self._tasks: asyncio.TaskGroup
        self._loop = asyncio.get_running_loop()
        self._look: asyncio.TimerHandle
        self._stall = asyncio.timeout(None)
        self._sending_since: float | None = None
        self._pumping = False
        self._fault: Exception | None = None
        self._dies_at = 0.0
        self._close: Close | None = None
        self._gone = False
        self._draining = False
        self._leaves_after = 0.0
        self._may_leave = False
        self._usage_due = False
        self._telling = False

    async def run(self) -> None:
        """Serve the socket until it is closed, by either side. What runs then goes on without it."""
        self._dies_at = self._loop.time() + self._patience.lifetime
        self._look_again()
        try:
            with self._services.sockets.joined(self):
                async with asyncio.TaskGroup() as self._tasks:
                    reader = self._tasks.create_task(self._read())
                    try:
                        await self._write()
                    finally:
                        self._gone = True
                        self._answers.let_go()
                        self._follows.let_go()
                        reader.cancel()
        finally:
            self._look.cancel()

    def drain(self, after: float) -> None:
        """Accept nothing more; close when nothing runs, but not before `after` seconds."""
        self._draining = True
        self._leaves_after = after
        if self._extended:
            self._say(extensions.draining(after))
        self._answers.refuse_waiting(draining())
        self._loop.call_later(after, self._allow_leaving)

    def close_now(self) -> None:
        """Close without waiting for what runs, or for a client that does not read."""
        self._end(CLOSE_RESTART)
        if self._sending_since is not None:
            self._stall.reschedule(self._loop.time())

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                self._gone = True
                self._news.set()
                return
            text = message.get("text")
            if text is None:
                self._end(CLOSE_BINARY)
                return
            await self._take(text)
            # The client may send faster than it reads what its frames are answered with.
            await self._wait_for_room(_MOST_SAID)

    async def _wait_for_room(self, most: int) -> None:
        """Wait while `most` or more of what was said is not sent."""
        while len(self._said) >= most:
            self._room.clear()
            await self._room.wait()

    async def _take(self, text: str) -> None:
        """Do what a frame asks, or say why not; the socket lives on."""
        lane: str | None = None
        try:
            frame = await decoded(text)
            lane = asked.stream_id(Fields(frame))
            kind = frame.get("type")
            if self._extended and isinstance(kind, str) and kind.startswith(extensions.PREFIX):
                await self._take_extension(kind, frame)
                return
            read = self._door.read(frame)
            if isinstance(read, str):
                self._say(read)
                return
            await self._claim(read)
        except Refused as why:
            self._services.observer.saw(refused(why))
            self._refuse(why, lane)
            if why.code in _CLOSES:
                self._end(_CLOSES[why.code])
        except Exception as failed:  # noqa: BLE001  a fault with one frame must not end the others
            _log.exception("a frame could not be served")
            self._refuse(told(failed), lane)

    async def _claim(self, read: Asked) -> None:
        turns = self._services.turns
        claim = turns.receive(await self._who(), read.request)
        claim.waiting = extensions.telling(self._say, read.delivery.stream_id) if self._extended else None

        async def begin() -> LiveTurn:
            return (await turns.start(claim)).turn

        self._queue(Ticket(replace(read.delivery, numbered=self._extended), begin, lambda: turns.abandon(claim)))

    async def _take_extension(self, kind: str, frame: dict[str, Any]) -> None:
        if kind == "parley:ping":
            self._say(extensions.pong(frame))
            return
        if kind in {"parley:follow", "parley:unfollow"}:
            await self._take_follow(kind, Fields(frame))
            return
        if kind not in {"parley:cancel", "parley:resume"}:
            raise Refused("unknown_frame", f"Clients send no frame of type '{kind[:64]}'.", param="type")
        fields, turns = Fields(frame), self._services.turns
        turn_id = completions_render.turn_id(fields.needed_text("response_id", asked.LONGEST_ID))
        position = fields.whole("starting_after", -1)
        actor = await self._who()
        if kind == "parley:cancel":
            await turns.cancel(actor, turn_id)
            return
        after = -1 if position is None else position
        usage = fields.inner("stream_options").flag("include_usage") is True
        delivery = Delivery(asked.stream_id(fields), include_usage=usage, numbered=True)
        self._queue(Ticket(delivery, lambda: turns.resume(actor, turn_id, after), lambda: None, after))

    async def _take_follow(self, kind: str, fields: Fields) -> None:
        conversation_id = fields.needed_text("conversation", asked.LONGEST_ID)
        if kind == "parley:unfollow":
            self._follows.unfollow(conversation_id)
        else:
            await self._follows.follow(await self._who(), conversation_id, self._tasks)

    def _queue(self, ticket: Ticket) -> None:
        if self._draining:
            ticket.give_up()
            raise draining()
        self._answers.queue(ticket, self._tasks)

    async def _write(self) -> None:
        try:
            async with self._stall:
                while not self._gone:
                    await self._news.wait()
                    self._news.clear()
                    await self._send_news()
                    if self._may_leave and not self._answers.running and not self._telling:
                        self._end(CLOSE_RESTART)
                    if self._close is not None and not self._said:
                        break
        except WebSocketDisconnect:
            return
        except TimeoutError:
            self._close = self._close or CLOSE_SLOW
        if self._close is not None:
            self._answers.let_go()
            await self._send_close(self._close)

    def _change(self) -> None:
        """Have what is new sent: by the loop itself, soon, or by the writer where a client has to be waited for."""
        if self._sending_since is not None or not (self._pumping or self._outlet.ready):
            self._news.set()
        elif not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def _show(self, cursor: Cursor) -> bool:
        """Send what is new of the only answer at once, if nothing else waits and nobody has to be waited for.

        This is the way of nearly every delta: a turn of the loop for each would cost more than the delta.
        """
        live, wire = cursor.live, self._outlet.wire
        waits = self._pumping or self._said or self._close or self._gone or self._sending_since is not None
        if waits or live.ended or wire is None or not wire.ready:
            return False
        try:
            new = news_of(cursor, self._door.show, extended=self._extended)
        except Exception as fault:  # noqa: BLE001  raised where the socket's owner sees it; others follow too
            self._fault = fault
            self._news.set()
            return True
        if new is not None:
            cursor.position = new.position
            wire.write(new.frames.encoded)
            live.delivered = True
        return True

    def _pump(self) -> None:
        """Send all that is new in one write. Waking the writer's task for each delta would cost more than the delta."""
        self._pumping = False
        if self._gone or self._sending_since is not None or not self._outlet.ready:
            self._news.set()
            return
        try:
            frames, shown = self._gather()
        except Exception as fault:  # noqa: BLE001  raised where the socket's owner sees it
            self._fault = fault
        else:
            self._outlet.write(frames)
            _delivered(shown)
        if self._fault is not None or self._close is not None or self._may_leave:
            self._news.set()

    async def _send_news(self) -> None:
        """Send all that was said and what is new of each answer, until there is nothing or the socket ends."""
        while not self._gone and (self._fault or self._said or (self._answers.woken and self._close is None)):
            if self._fault is not None:
                raise self._fault
            await self._patiently(self._outlet.room())
            frames, shown = self._gather()
            for one in frames:
                await self._patiently(self._outlet.send(one))
            _delivered(shown)

    async def _patiently(self, sending: Awaitable[None]) -> None:
        """Wait for the client, whose patience begins anew."""
        self._sending_since = self._loop.time()
        try:
            await sending
        finally:
            self._sending_since = None

    def _gather(self) -> tuple[list[Frames], list[LiveTurn]]:
        """Take all that was said and what is new of the answers; return it with the turns that it shows.

        Where that is a lot, some answers are left for the next time: each waits where it costs nothing, in its log.
        """
        frames = [Frames(list(self._said))] if self._said else []
        self._said.clear()
        self._room.set()
        shown: list[LiveTurn] = []
        if self._close is None:
            size = 0
            for cursor in self._answers.news():
                size += self._advance(cursor, frames)
                shown.append(cursor.live)
                if size > _AHEAD:
                    self._change()
                    break
        return frames, shown

    def _advance(self, cursor: Cursor, frames: list[Frames]) -> int:
        """Take what is new of one answer; return its size, in characters."""
        live = cursor.live
        new = news_of(cursor, self._door.show, extended=self._extended)
        if new is not None:
            frames.append(new.frames)
            cursor.position = new.position
        if live.ended and cursor.position >= live.position:
            if handed_over(live):
                self._may_leave = False  # for a moment, so that not all come back at once
                self._loop.call_later(self._leaves_after, self._allow_leaving)
            elif live.outcome is None:
                self._refuse(lost(live), cursor.delivery.stream_id)
            self._answers.finish(cursor, self._tasks)
            self.tell_usage_soon()
        return new.frames.size if new is not None else 0

    def tell_usage_soon(self) -> None:
        """Say how full the caps are, to a client that has the extensions on."""
        self._usage_due = self._extended and not self._gone
        if self._usage_due and not self._telling:
            self._telling = True
            self._tasks.create_task(self._tell_usage())

    async def _tell_usage(self) -> None:
        try:
            while self._usage_due:
                self._usage_due = False
                self._say(extensions.usage(await self._services.quota.usage(await self._who())))
        except Refused:
            # The next request is told why.
            return
        except Exception:  # noqa: BLE001  the answer was sent; this is an extra
            _log.exception("usage could not be told")
        finally:
            self._telling = False
            self._news.set()

    def _refuse(self, refused: Refused, lane: str | None) -> None:
        self._say(self._door.refuse(refused, lane))

    def _say(self, frame: str) -> None:
        self._said.append(frame)
        self._change()

    async def _send_close(self, close: Close) -> None:
        try:
            async with asyncio.timeout(_CLOSING):
                await self._websocket.close(close.code, close.reason)
        except (TimeoutError, WebSocketDisconnect):
            # A client that reads nothing hears nothing; the connection is dropped under it.
            return

    def _end(self, close: Close) -> None:
        """Close once all that was said so far is sent."""
        self._close = self._close or close
        self._news.set()

    def _look_again(self) -> None:
        """Look now and then for a send that lasts too long and for the end of the socket's life.

        A timeout around each send would cost more than the send.
        """
        now = self._loop.time()
        if self._sending_since is not None and now - self._sending_since >= self._patience.send:
            self._stall.reschedule(now)
            return
        if now >= self._dies_at and self._close is None:
            message = "A socket lives 60 minutes; open a new one. Answers that run go on."
            self._refuse(Refused("websocket_connection_limit_reached", message), None)
            self._end(CLOSE_LIFETIME)
        self._look = self._loop.call_later(self._patience.send / 4, self._look_again)

    def _allow_leaving(self) -> None:
        self._may_leave = True
        self._news.set()


def _delivered(lives: Iterable[LiveTurn]) -> None:
    for live in lives:
        live.delivered = True
