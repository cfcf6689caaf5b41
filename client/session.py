"""What a client does about its connection: frames and the fate of connections in, commands out. Pure.

A session has one connection at a time, or none, and up to `LANES` answers that run over it; more wait. When the
connection goes, it asks for another one and, over that, for whatever was not seen to its end, and for the conversations
that are followed.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any, Final

from client import frames
from client.answer import AGAIN, Answer
from client.backoff import LONGEST, Outage, pause
from client.commands import Command, Connect, Leave, Send, Tell, TellCaps
from client.errors import AnswerFailedError, ConnectionLostError, ParleyError, RefusedError
from client.events import Event, Interrupted
from client.follows import Follow, Follows

LANES: Final = 16
"""Answers that run at once."""

PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of a refused handshake that say nothing of the next one."""

UNREADABLE: Final = frozenset({"invalid_json", "message_too_large", "too_deep"})
"""Refusals of a frame whose lane could not be read."""


class Link(Enum):
    """What a session has of a connection."""

    NONE = auto()
    COMING = auto()
    OPEN = auto()
    ENDING = auto()
    """Open for what runs; nothing new begins on it."""


class Session:
    """The answers of one client. Times are seconds of a clock that only rises; a `chance` is a number from 0 to 1.

    After `patience` seconds without a connection that works, every answer gets `ConnectionLostError`.
    """

    def __init__(self, *, addresses: int = 1, patience: float = 120.0) -> None:
        self._addresses = addresses
        self._patience = patience
        self._link = Link.NONE
        self._lanes: dict[str, Answer] = {}
        self._free = [f"lane-{number}" for number in reversed(range(LANES))]
        self._waiting: deque[Answer] = deque()
        self._follows = Follows()
        self._unread: set[Answer] = set()
        self._stops: dict[str, None] = {}
        self._uneasy: dict[Answer, float] = {}
        self._told: set[Answer | Follow] = set()
        self._address = 0
        self._outage: Outage | None = None
        self._not_before = 0.0
        self._opened_at = 0.0
        self._works = False

    @property
    def busy(self) -> bool:
        """Whether a connection is wanted."""
        return bool(self._lanes or self._waiting or self._stops or self._follows)

    def ask(self, answer: Answer, now: float) -> list[Command]:
        """Bring an answer to its reader."""
        self._waiting.append(answer)
        return self._start() or self._want(now)

    def follow(self, follow: Follow, now: float) -> list[Command]:
        """Tell what happens in a conversation. Raises `ValueError` if another reader follows it."""
        request = self._follows.add(follow)
        return [request] if self._open else self._want(now)

    def unfollow(self, follow: Follow) -> list[Command]:
        """Tell no more of it."""
        self._told.discard(follow)
        left = self._follows.leave(follow)
        return left if self._open else []

    def cancel(self, response_id: str, now: float) -> list[Command]:
        """Have an answer stopped; said again on every connection until it was seen to end."""
        self._stops[response_id] = None
        return self._say_stops() if self._open else self._want(now)

    def leave(self, answer: Answer) -> None:
        """Tell the reader nothing more; the answer goes on at the server."""
        if answer in self._waiting:
            self._waiting.remove(answer)
        elif answer in self._lanes.values():
            self._unread.add(answer)

    def opened(self, now: float) -> list[Command]:
        """There is a connection."""
        self._link, self._opened_at, self._works = Link.OPEN, now, False
        asked: list[Command] = [Send(answer.request(lane)) for lane, answer in self._lanes.items()]
        return asked + self._follows.requests() + self._say_stops() + self._start()

    def received(self, frame: Mapping[str, Any], now: float) -> list[Command]:
        """Take a frame. Raises `LookupError`, `TypeError` or `ValueError` if it is none of this protocol."""
        kind, lane = frame.get("type"), frame.get("stream_id")
        if kind != "error":
            self._works = True
        if kind == "parley:usage":
            return [TellCaps({key: value for key, value in frame.items() if key != "type"})]
        if kind == "parley:draining":
            return self._drain(frame["reconnect_in_ms"] / 1000, now)
        answer = self._lanes.get(lane) if lane is not None else None
        follow = self._follows.of(frame) if answer is None else None
        if kind == "error":
            refused = frames.refusal(frame.get("status", 500), frame.get("error") or {})
            if follow is not None and lane is not None:
                told = self._follows.refuse(follow, lane, refused)
                return self._leave_now() if told is None else told
            return self._refused(refused, lane, answer, now)
        if follow is not None:
            return self._happened(follow, frame)
        if lane is None or answer is None:
            return []
        self._told.discard(answer)
        self._uneasy.pop(answer, None)
        told = self._tell(answer, answer.take(frame))
        return told + self._end(lane) if answer.over else told

    def closed(self, lost: ConnectionLostError, now: float, chance: float) -> list[Command]:
        """The connection is gone."""
        ours = self._link is Link.ENDING
        self._lose()
        for lane, answer in list(self._lanes.items()):
            if answer in self._unread:
                self._release(lane)
        if self._works or now - self._opened_at > LONGEST:
            self._outage = None
        if not self.busy:
            return []
        if not (lost.come_back or ours):
            return self._give_up(lost)
        return [*self._interrupt(lost), *self._again(lost, now, chance)]

    def failed(self, error: ParleyError, now: float, chance: float) -> list[Command]:
        """The connection that was asked for did not come about."""
        self._lose()
        if isinstance(error, RefusedError) and error.status not in PASSING:
            return self._give_up(error)
        lost = ConnectionLostError(code=1006, reason=str(error))
        return [*self._interrupt(lost), *self._again(lost, now, chance)]

    def stop(self) -> list[Command]:
        """Tell every reader that there will be no more connection."""
        return self._give_up(ConnectionLostError(code=1000, reason="closed by this program"))

    @property
    def _open(self) -> bool:
        return self._link in {Link.OPEN, Link.ENDING}

    def _want(self, now: float) -> list[Command]:
        if self._link is not Link.NONE:
            return []
        self._link, self._outage = Link.COMING, Outage(now)
        return [Connect(max(0.0, self._not_before - now), self._address)]

    def _lose(self) -> None:
        self._link = Link.NONE
        self._address = (self._address + 1) % self._addresses

    def _again(self, lost: ConnectionLostError, now: float, chance: float) -> list[Command]:
        if not self.busy:
            return []
        outage = self._outage or Outage(now)
        if now - outage.since >= self._patience:
            return self._give_up(lost)
        self._link, self._outage = Link.COMING, outage.tried()
        return [Connect(max(pause(outage.attempts, chance), self._not_before - now), self._address)]

    def _start(self) -> list[Command]:
        """Begin what waits, as far as there are lanes."""
        begun: list[Command] = []
        while self._link is Link.OPEN and self._waiting and self._free:
            lane, answer = self._free.pop(), self._waiting.popleft()
            self._lanes[lane] = answer
            begun.append(Send(answer.request(lane)))
        return begun

    def _say_stops(self) -> list[Command]:
        said: list[Command] = [Send({"type": "parley:cancel", "response_id": one}) for one in self._stops]
        running = {answer.response_id for answer in self._lanes.values()}
        self._stops = {one: None for one in self._stops if one in running}
        return said

    def _refused(self, refused: RefusedError, lane: str | None, answer: Answer | None, now: float) -> list[Command]:
        if lane is None:
            return self._refuse_unread(refused) if refused.code in UNREADABLE else []
        if answer is None:
            return []
        error = answer.refuse(refused)
        if error is not None:
            return self._tell(answer, [error]) + self._end(lane)
        if refused.code not in AGAIN:
            return [Send(answer.request(lane))]
        if now - self._uneasy.setdefault(answer, now) >= self._patience:
            answer.over = True
            name = answer.response_id or ""
            error = AnswerFailedError(code=refused.code, message=refused.message, response_id=name)
            return self._tell(answer, [error]) + self._end(lane)
        if answer.response_id is None:
            # Nothing new begins here: it waits for the next connection, and does not keep this one.
            self._release(lane)
            self._waiting.appendleft(answer)
            return self._drain(0.0, now)
        return self._leave_now()

    def _happened(self, follow: Follow, frame: Mapping[str, Any]) -> list[Command]:
        told = self._follows.take(follow, frame)
        if told is None:
            return self._leave_now()
        self._told.discard(follow)
        return [*told, *self._leave_if_idle()]

    def _leave_now(self) -> list[Command]:
        self._link = Link.ENDING
        return [Leave(0.0)]

    def _refuse_unread(self, refused: RefusedError) -> list[Command]:
        # A frame that could not be read (too large, say) is refused without its lane: it is one not accepted yet.
        commands: list[Command] = []
        for lane, answer in list(self._lanes.items()):
            if answer.response_id is None:
                answer.over = True
                commands += [*self._tell(answer, [refused]), *self._end(lane)]
        return commands

    def _drain(self, reconnect_in: float, now: float) -> list[Command]:
        """Begin nothing more here. What runs is finished here, unless there is another node to go to."""
        self._link = Link.ENDING
        self._not_before = now + reconnect_in
        if self._addresses > 1:
            return [Leave(reconnect_in)]
        return self._leave_if_idle()

    def _leave_if_idle(self) -> list[Command]:
        """Leave a connection on which nothing begins any more, once nothing runs on it."""
        if self._link is Link.ENDING and not self._lanes and not self._follows.running:
            return [Leave(0.0)]
        return []

    def _end(self, lane: str) -> list[Command]:
        answer = self._release(lane)
        if answer.response_id is not None:
            self._stops.pop(answer.response_id, None)
        return self._leave_if_idle() or self._start()

    def _release(self, lane: str) -> Answer:
        answer = self._lanes.pop(lane)
        self._free.append(lane)
        for kept in (self._unread, self._told):
            kept.discard(answer)
        self._uneasy.pop(answer, None)
        return answer

    def _tell(self, answer: Answer, what: list[Event | ParleyError]) -> list[Command]:
        return [] if answer in self._unread else [Tell(answer, one) for one in what]

    def _everyone(self) -> Iterator[Answer]:
        yield from self._lanes.values()
        yield from self._waiting

    def _interrupt(self, lost: ConnectionLostError) -> list[Command]:
        """Tell every reader, once until there is news again."""
        told: list[Command] = []
        for follow in self._follows:
            if follow not in self._told:
                self._told.add(follow)
                told.append(Tell(follow, Interrupted(code=lost.code, reason=lost.reason, position=None)))
        for answer in self._everyone():
            if answer not in self._told and answer not in self._unread:
                self._told.add(answer)
                told.append(Tell(answer, Interrupted(code=lost.code, reason=lost.reason, position=answer.position)))
        return told

    def _give_up(self, error: ParleyError) -> list[Command]:
        told: list[Command] = []
        for follow in self._follows:
            self._follows.remove(follow)
            told.append(Tell(follow, error))
        for answer in self._everyone():
            answer.over = True
            if answer not in self._unread:
                told.append(Tell(answer, _for(answer, error)))
        for lane in list(self._lanes):
            self._release(lane)
        self._waiting.clear()
        self._stops.clear()
        self._told.clear()
        self._link, self._outage = Link.NONE, None
        return told


def _for(answer: Answer, error: ParleyError) -> ParleyError:
    if isinstance(error, ConnectionLostError):
        return ConnectionLostError(code=error.code, reason=error.reason, position=answer.position)
    return error
