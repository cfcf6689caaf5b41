"""The requests of one socket: waiting in their lanes, then being answered.

Answers are pulled. Each running answer has a cursor, which the engine only wakes; whoever sends takes all that is new
after the cursor. So a slow client gets fewer, larger deltas, and nothing queues for it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.lanes import Lanes
from server.edge.asked import Delivery
from server.edge.refusals import told

REMEMBERED: Final = 256
"""Turns of which a socket remembers, beyond their end, that it has asked for them."""

_log = logging.getLogger("parley.edge")


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """A request that waits in its lane: how to begin it, and how to give it up."""

    delivery: Delivery
    begin: Callable[[], Awaitable[LiveTurn]]
    """Raises `Refused`."""
    give_up: Callable[[], None]
    position: int = -1
    """What the client has seen of the answer."""


@dataclass(slots=True, eq=False)
class Cursor:
    """An answer on its way to the client, and how much of it was sent."""

    delivery: Delivery
    live: LiveTurn
    position: int
    asked: bool = True
    """Whether a request waits for it in its lane; else it is shown because its conversation is followed."""
    view: object = None
    """What is the same for all who are shown the turn in this way; set when it is first shown."""


class Answers:
    """Belongs to one socket.

    `refuse` is told what was refused, in which lane; `changed` that there is something to send or to look at. `show` is
    asked to send what is new of the only answer, and returns False if it is better sent later, with what else there is.
    """

    def __init__(
        self,
        *,
        refuse: Callable[[Refused, str | None], None],
        changed: Callable[[], None],
        show: Callable[[Cursor], bool],
    ) -> None:
        self._refuse = refuse
        self._changed = changed
        self._show = show
        self._lanes: Lanes[Ticket] = Lanes()
        self._leaves: dict[Cursor, Callable[[], None]] = {}
        self._woken: dict[Cursor, None] = {}
        self._beginning: set[asyncio.Task[None]] = set()
        self._asked: deque[str] = deque(maxlen=REMEMBERED)
        self._over = False

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return len(self._lanes.running)

    @property
    def woken(self) -> bool:
        """Whether there is something new."""
        return bool(self._woken)

    def queue(self, ticket: Ticket, tasks: asyncio.TaskGroup) -> None:
        """Let the request wait in its lane, or begin it. Raises `Refused` if the socket has too many."""
        try:
            self._lanes = self._lanes.arrive(ticket.delivery.stream_id, ticket)
        except Refused:
            ticket.give_up()
            raise
        self._start(tasks)

    async def begun(self) -> None:
        """Wait until all that is beginning now has begun, so that it is known which turns were asked for here."""
        if self._beginning:
            await asyncio.wait(set(self._beginning))

    def asked_for(self, turn_id: str) -> bool:
        """Return whether a request of this socket has made or joined the turn."""
        return turn_id in self._asked

    def show(self, live: LiveTurn, delivery: Delivery) -> None:
        """Show a turn that nobody asked for here, beside the lanes."""
        self._follow(Cursor(delivery, live, -1, asked=False))

    def hide(self, shown: Callable[[LiveTurn], bool]) -> None:
        """Show no more of the turns that nobody asked for here and of which `shown` is true."""
        for cursor in [one for one in self._leaves if not one.asked and shown(one.live)]:
            self._leaves.pop(cursor)()
            self._woken.pop(cursor, None)

    def news(self) -> Iterator[Cursor]:
        """Give each answer that has something new, once, in the order in which they were woken.

        Whoever stops in between finds the others the next time.
        """
        while self._woken:
            cursor = next(iter(self._woken))
            del self._woken[cursor]
            if cursor in self._leaves:
                yield cursor

    def finish(self, cursor: Cursor, tasks: asyncio.TaskGroup) -> None:
        """Let go of an answer that was sent to its end; the next one of its lane begins."""
        leave = self._leaves.pop(cursor, None)
        if leave is not None:
            leave()
        if cursor.asked:
            self._free(cursor.delivery.stream_id, tasks)

    def refuse_waiting(self, refused: Refused) -> None:
        """Refuse all that has not begun."""
        waiting = self._lanes.waiting
        self._lanes = Lanes(running=self._lanes.running, named=self._lanes.named)
        for lane, ticket in waiting:
            ticket.give_up()
            self._refuse(refused, lane)

    def let_go(self) -> None:
        """Stop following everything and give up what has not begun; what runs goes on without this socket."""
        self._over = True
        for leave in self._leaves.values():
            leave()
        self._leaves.clear()
        self._woken.clear()
        for _, ticket in self._lanes.waiting:
            ticket.give_up()
        self._lanes = Lanes()

    def _start(self, tasks: asyncio.TaskGroup) -> None:
        self._lanes, started = self._lanes.start()
        for _, ticket in started:
            beginning = tasks.create_task(self._begin(ticket, tasks))
            self._beginning.add(beginning)
            beginning.add_done_callback(self._beginning.discard)

    async def _begin(self, ticket: Ticket, tasks: asyncio.TaskGroup) -> None:
        lane = ticket.delivery.stream_id
        try:
            live = await ticket.begin()
        except Refused as refused:
            self._refuse(refused, lane)
            self._free(lane, tasks)
        except Exception as failed:  # noqa: BLE001  a fault of one lane must not end the others
            _log.exception("a turn could not be started")
            self._refuse(told(failed), lane)
            self._free(lane, tasks)
        else:
            self._asked.append(live.turn.id)
            self.hide(lambda shown: shown.turn.id == live.turn.id)
            self._follow(Cursor(ticket.delivery, live, live.resumed(ticket.position)))

    def _follow(self, cursor: Cursor) -> None:
        def wake() -> None:
            if len(self._leaves) == 1 and self._show(cursor):
                return
            self._woken[cursor] = None
            self._changed()

        leave = cursor.live.follow(wake)
        if self._over:
            leave()
            return
        self._leaves[cursor] = leave
        wake()

    def _free(self, lane: str | None, tasks: asyncio.TaskGroup) -> None:
        if not self._over:
            self._lanes = self._lanes.leave(lane)
            self._start(tasks)
            self._changed()
