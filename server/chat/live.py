"""A turn as doors see it: its log so far, and a way to hear of more.

Followers pull: each keeps a position and asks for what comes after it, joined. So a slow follower gets fewer, larger
deltas, nobody has a queue of their own, and the text is held once however many follow.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence

from server.core.events import Delta, Ended, Event, ItemOpened, Kind, last_seq
from server.core.records import Outcome, Turn
from server.core.trail import Kept, joined


class LiveTurn:
    """The committed events of one turn, running or ended. Belongs to one event loop.

    `kept` is the log of a turn that has ended, as the store has it.
    """

    def __init__(self, turn: Turn, events: Sequence[Event] = (), *, kept: Kept | None = None) -> None:
        self.turn = turn
        self.delivered = False
        """Whether a client has been sent anything, so that it knows the id and could come back."""
        self.lost: Exception | None = None
        """Set if this process can say nothing more about the turn: it was fenced off or the store failed."""
        self.rendered: dict[Hashable, object] = {}
        """What doors have made of the log as it stands, for all who are at the same place in it; gone when it grows."""
        self.views: dict[Hashable, object] = {}
        """The ways in which doors show it, for those who share one."""
        self._kept = kept
        self._events: list[Event] = list(kept.events if kept else events)
        self._lasts: list[int] = [last_seq(event) for event in self._events]
        self.ended = self.outcome is not None
        """Whether no more events will come, here. Asked for every follower and delta."""
        self._wakes: dict[int, Callable[[], None]] = {}
        self._next_key = 0
        self.on_deserted: Callable[[], None] | None = None
        """Called when the last follower has left."""
        self.on_followed: Callable[[], None] | None = None
        """Called when somebody follows and nobody did."""
        self.on_added: Callable[[Sequence[Event]], None] | None = None
        """Called with events that have become visible."""

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, or None while it runs."""
        last = self._events[-1] if self._events else None
        return last.outcome if isinstance(last, Ended) else None

    @property
    def text(self) -> str:
        """All text that is committed, without reasoning, refusals and calls."""
        return self.said("message")

    def said(self, kind: Kind) -> str:
        """Return the texts of all items of this kind, joined."""
        wanted = {item.index for item in self.items if item.kind == kind}
        return "".join(event.text for event in self._events if isinstance(event, Delta) and event.index in wanted)

    def text_of(self, index: int) -> str:
        """Return the text of one item that is committed."""
        return "".join(event.text for event in self._events if isinstance(event, Delta) and event.index == index)

    @property
    def items(self) -> Sequence[ItemOpened]:
        """The output items that have begun."""
        return [event for event in self._events if isinstance(event, ItemOpened)]

    @property
    def events(self) -> Sequence[Event]:
        """Every committed event, oldest first; not to be changed."""
        return self._events

    @property
    def position(self) -> int:
        """The last sequence number that is committed; -1 before the first event."""
        return self._lasts[-1] if self._lasts else -1

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._wakes)

    def after(self, position: int) -> list[Event]:
        """Return what is committed after the sequence number `position` (-1: all), neighbouring deltas joined."""
        if self._kept is not None:
            return self._kept.after(position)
        return joined(self._events[bisect_right(self._lasts, position) :])

    def resumed(self, position: int) -> int:
        """Return the position to go on from for who has seen `position`.

        Who has seen the end is shown it again: nothing at all would be waited for without end.
        """
        return position if self.outcome is None else min(position, self._lasts[-1] - 1)

    def add(self, events: Sequence[Event]) -> None:
        """Take events that have become durable and wake the followers."""
        self.rendered.clear()
        self._events.extend(events)
        self._lasts.extend(last_seq(event) for event in events)
        self.ended = self.ended or (bool(events) and isinstance(events[-1], Ended))
        if self.on_added:
            self.on_added(events)
        self.wake()

    def close(self, kept: Kept) -> None:
        """Take the whole log, as the store has it, in place of what was known of it, and wake the followers.

        Other processes have shown it in smaller pieces: who comes from there has a position that only `kept` knows.
        """
        self.rendered.clear()
        self._kept = kept
        self._events = list(kept.events)
        self._lasts = [last_seq(event) for event in self._events]
        self.ended = self.outcome is not None
        self.wake()

    def lose(self, why: Exception) -> None:
        """Tell the followers that nothing more will be known here."""
        self.lost, self.ended = why, True
        self.wake()

    def wake(self) -> None:
        """Wake every follower."""
        for wake in list(self._wakes.values()):
            wake()

    def follow(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever there is more; return what ends it. `wake` must not wait and must not raise."""
        key = self._next_key
        self._next_key += 1
        self._wakes[key] = wake
        if len(self._wakes) == 1 and self.on_followed:
            self.on_followed()

        def leave() -> None:
            if self._wakes.pop(key, None) is not None and not self._wakes and self.on_deserted:
                self.on_deserted()

        return leave
