"""A deployment without its network and its disk: one turn, two nodes, and the pieces that carry its text.

Log, trail, live turns, mirrors and frames are the real ones. What stands between them (the writer, sockets, hints) is
as small as it can be, and does nothing until a test says so.
"""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from server.chat.live import LiveTurn
from server.chat.mirrors import _Mirror as Mirror
from server.core import trail
from server.core.errors import Refused
from server.core.events import SPAN, Delta, Ended, Event, ItemClosed, ItemOpened, Opened, last_seq
from server.core.ports import Fenced
from server.core.records import Outcome, TurnStatus
from server.core.wakes import write_events
from server.edge import responses_render
from server.edge.refusals import lost
from tests.contracts.turn_records import a_turn

TURN = a_turn("1", served_by=None)


class Owner:
    """A process that answers the turn, or thinks so: `server.chat.answer.Answer` without its upstream."""

    def __init__(self, number: int, events: Sequence[Event]) -> None:
        self.number = number
        self.live = LiveTurn(TURN, events)
        self.events = list(events)
        self.waiting: list[Event] = []

    def note(self, event: Event) -> Event:
        """Take an event into the log as this process has it."""
        self.events.append(event)
        return event

    @property
    def next_seq(self) -> int:
        """The number of the next event."""
        last = self.events[-1]
        return last.seq + SPAN[type(last)]

    def say(self, text: str) -> None:
        """Append a piece of the answer, which waits for the disk."""
        if not any(isinstance(event, ItemOpened) for event in self.events):
            self.waiting.append(self.note(ItemOpened(self.next_seq, 0, TURN.message_id)))
        self.waiting.append(self.note(Delta(self.next_seq, 0, text)))

    def last(self, status: TurnStatus) -> list[Event]:
        """Return the events that end the turn."""
        last: list[Event] = []
        if any(isinstance(event, ItemOpened) for event in self.events):
            last.append(self.note(ItemClosed(self.next_seq, 0)))
        last.append(self.note(Ended(self.next_seq, Outcome(status=status))))
        return last


@dataclass
class Disk:
    """What is durable."""

    owner: int = 0
    """The number of the turn's owner; 0 before it was stored."""
    segments: list[list[Event]] = field(default_factory=list)
    stored: tuple[bytes, list[str]] | None = None
    """Trail and text of the turn, once it has ended."""
    coarse: bool = False
    """Whether only the message is left, so that no position inside of it can be served."""
    forgotten: bool = False
    text: str = ""
    """The model: every piece that was committed, one after another. Nothing is ever read from here."""


@dataclass
class Node:
    """A process: the turn as it owns it, or as it mirrors it."""

    owner: Owner | None = None
    mirror: Mirror | None = None
    hints: deque[bytes] = field(default_factory=deque)


@dataclass
class Cursor:
    """An answer on its way to a client."""

    live: LiveTurn
    position: int


class Wire:
    """One connection of a client to a node. Both ends may have sent what the other has not read."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.up: deque[str] = deque()
        self.down: deque[str] = deque()
        self.cursors: dict[str, Cursor] = {}


class House:
    """The deployment."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.nodes = [Node(), Node()]

    def say(self, node: Node, text: str) -> None:
        """The upstream says a piece to a process that believes to own the turn."""
        if node.owner is not None and not node.owner.live.ended:
            node.owner.say(text)

    def commit(self, node: Node, *, joined: bool, seen: bool = True) -> None:
        """Make durable what waits, and show it; if not `seen`, the process dies in between."""
        owner = node.owner
        if owner is None or not owner.waiting or self._fenced(node, owner):
            return
        events = trail.joined(owner.waiting) if joined else owner.waiting
        owner.waiting = []
        self.disk.segments.append(list(events))
        self.disk.text += "".join(event.text for event in events if isinstance(event, Delta))
        if seen:
            owner.live.add(events)
            self._hint(node, events)

    def end(self, node: Node, status: TurnStatus) -> None:
        """Store the reply and the trail in place of the segments, and show the end."""
        self.commit(node, joined=False)
        owner = node.owner
        if owner is None or owner.live.ended or self._fenced(node, owner):
            return
        last = owner.last(status)
        self.disk.stored = (
            trail.pack(owner.events),
            ["".join(event.text for event in owner.events if isinstance(event, Delta))],
        )
        self.disk.segments = []
        owner.live.add(last)
        self._hint(node, last)

    def let_go(self, node: Node) -> None:
        """An owner whose turn has ended forgets it: from now on it is served from what is stored."""
        if node.owner is not None and node.owner.live.ended:
            node.owner = None

    def die(self, node: Node) -> None:
        """The process ends with all that it had not made durable."""
        node.owner = node.mirror = None
        node.hints.clear()

    def adopt(self, node: Node) -> None:
        """Become the owner; whoever was it on another node may not know."""
        if self.disk.owner and self.disk.stored is None:
            if node.owner is not None:
                node.owner.live.lose(Fenced())
            self.disk.owner += 1
            node.owner = Owner(self.disk.owner, [event for segment in self.disk.segments for event in segment])

    def renew(self, node: Node) -> None:
        """Ask for more time, and hear whether another process has taken over."""
        if node.owner is not None and not node.owner.live.ended:
            self._fenced(node, node.owner)

    def look(self, node: Node) -> None:
        """A mirror reads what is new in the store."""
        mirror = node.mirror
        if mirror is None:
            return
        mirror.add([event for segment in self.disk.segments[mirror.segment :] for event in segment])
        mirror.segment = len(self.disk.segments)
        if self.disk.stored is not None:
            mirror.end(trail.Kept(*self.disk.stored))

    def hear(self, node: Node) -> None:
        """A mirror gets the oldest hint that is on its way."""
        if node.hints and node.mirror is not None:
            node.mirror.hear(node.hints.popleft())

    def serve(self, wire: Wire) -> None:
        """A node reads one frame."""
        if not wire.up:
            return
        frame = json.loads(wire.up.popleft())
        lane = frame["stream_id"]
        try:
            if frame["type"] == "response.create":
                self._begin(wire.node)
            position = frame.get("starting_after", -1)
            live = self._find(wire.node, position)
            wire.cursors[lane] = Cursor(live, live.resumed(position))
        except Refused as refused:
            wire.down.append(responses_render.error_frame(refused, lane))

    def pull(self, wire: Wire, lane: str) -> None:
        """A node sends what is new of one answer, as `server.edge.socket` does."""
        cursor = wire.cursors[lane]
        events = cursor.live.after(cursor.position)
        if events:
            wire.down.extend(
                responses_render.frames(cursor.live, events, after=cursor.position, stream_id=lane),
            )
            cursor.position = last_seq(events[-1])
        if cursor.live.ended and not cursor.live.after(cursor.position):
            if cursor.live.outcome is None:
                wire.down.append(responses_render.error_frame(lost(cursor.live), lane))
            del wire.cursors[lane]

    def _begin(self, node: Node) -> None:
        if not self.disk.owner:
            opened = Opened(0)
            self.disk.owner, self.disk.segments = 1, [[opened]]
            node.owner = Owner(1, [opened])

    def _find(self, node: Node, position: int) -> LiveTurn:
        disk = self.disk
        if not disk.owner or disk.forgotten:
            raise Refused("response_not_found", "gone")
        if node.owner is not None:
            return node.owner.live
        if disk.stored is None:
            if node.mirror is None:
                node.mirror = Mirror(TURN)
                self.look(node)
            return node.mirror.live
        if disk.coarse and position >= 0:
            raise Lost
        return LiveTurn(TURN, kept=trail.Kept(*disk.stored))

    def _fenced(self, node: Node, owner: Owner) -> bool:
        if owner.number == self.disk.owner:
            return False
        owner.live.lose(Fenced())
        node.owner = None
        return True

    def _hint(self, node: Node, events: Sequence[Event]) -> None:
        for other in self.nodes:
            if other is not node and other.mirror is not None:
                other.hints.append(write_events(events))


class Lost(Refused):
    """A position that cannot be served."""

    def __init__(self) -> None:
        super().__init__("response_not_found", "The position is gone.")

    def body(self) -> dict[str, Any]:
        """Return the error object."""
        return super().body() | {"code": "stream_position_lost"}
