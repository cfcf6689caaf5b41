"""What one answer says, as the events of its log: items open and close, and nothing is said before the screen lets it.

Pure but for the screens: no clock, no storage. Events are noted here when they are made; the caller stores them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from server.core import items
from server.core.events import SPAN, Delta, Event, ItemClosed, ItemOpened, Kind, last_seq
from server.core.logprobs import Token, Withheld
from server.core.ports import Aside, Screen, Verdict

Closing = Literal["completed", "incomplete"]


@dataclass(slots=True, eq=False)
class _Item:
    """An item that is being said. One of words opens with the first of them that may be shown."""

    kind: Kind
    screen: Screen
    opened: ItemOpened | None = None


class Writing:
    """The events of one answer. `screen` is for its first text, `another` makes one for each further item."""

    def __init__(self, message_id: str, events: Sequence[Event]) -> None:
        self.events: list[Event] = list(events)
        """All that was made, oldest first."""
        self._message_id = message_id
        self._next_seq = last_seq(events[-1]) + 1 if events else 0
        closed = {event.index for event in events if isinstance(event, ItemClosed)}
        self._left = [event for event in events if isinstance(event, ItemOpened) and event.index not in closed]
        """Items that an earlier owner left open."""
        self._words: _Item | None = None
        self._calls: dict[int, _Item] = {}
        self._withheld: Withheld | None = None
        self._screen: Screen | None = None
        self._another: Callable[[], Screen]

    def begin(self, screen: Screen, another: Callable[[], Screen]) -> None:
        """Let it be screened; an item of words that was left open goes on."""
        self._screen, self._another = screen, another
        if self._left:
            opened = self._left.pop()
            self._words = _Item(opened.kind, self._next_screen(), opened)

    def note(self, event: Event) -> Event:
        """Take an event that was made elsewhere."""
        self.events.append(event)
        self._next_seq += SPAN[type(event)]
        return event

    @property
    def next_seq(self) -> int:
        """The number of the next event."""
        return self._next_seq

    def text(self, text: str, tokens: Sequence[Token] = ()) -> tuple[list[Event], Verdict | None]:
        """Return the events that add text to the answer, as far as it may be shown, and a verdict that ends it."""
        if tokens:
            self._withheld = self._withheld or Withheld()
            self._withheld.add(tokens)
        return self._words_of("message", text)

    def aside(self, aside: Aside) -> tuple[list[Event], Verdict | None]:
        """Return the events of what is no text of the answer, and a verdict that ends it."""
        if aside.kind != "function_call":
            return self._words_of(aside.kind, aside.text)
        events: list[Event] = []
        call = self._calls.get(aside.call)
        if call is None:
            for finish in (self._close_words, self._release_calls):
                said, verdict = finish()
                events += said
                if verdict is not None:
                    return events, verdict
            call = self._calls[aside.call] = _Item("function_call", self._another())
            events.append(self._open(call, aside.call_id, aside.name))
        shown, verdict = call.screen.feed(aside.text)
        return [*events, *self._say(call, shown)], verdict

    def close(self, status: Closing, *, release: bool) -> tuple[list[Event], Verdict | None]:
        """Return the events that close every item; `release` says whether what was held back may be shown.

        A verdict on it stops what else is held back, and makes the items incomplete.
        """
        open_items = [item for item in (self._words, *self._calls.values()) if item is not None]
        events: list[Event] = []
        verdict: Verdict | None = None
        for item in open_items if release else ():
            if verdict is None:
                rest, verdict = item.screen.close()
                events += self._say(item, rest)
        ends = [*self._left, *(item.opened for item in open_items if item.opened)]
        for opened in sorted(ends, key=lambda one: one.index):
            closed = ItemClosed(self._next_seq, opened.index, status if verdict is None else "incomplete")
            events.append(self.note(closed))
        self._left, self._words, self._calls = [], None, {}
        return events, verdict

    def _words_of(self, kind: Kind, text: str) -> tuple[list[Event], Verdict | None]:
        events: list[Event] = []
        if self._words is None or self._words.kind != kind:
            events, verdict = self._close_words()
            if verdict is not None:
                return events, verdict
            self._words = _Item(kind, self._next_screen() if kind == "message" else self._another())
        shown, verdict = self._words.screen.feed(text)
        if shown:
            events += self._say(self._words, shown)
        return events, verdict

    def _close_words(self) -> tuple[list[Event], Verdict | None]:
        """End the item of words that is open, with what its screen held back."""
        item, self._words = self._words, None
        if item is None:
            return [], None
        rest, verdict = item.screen.close()
        events = self._say(item, rest)
        if item.opened is not None:
            status: Closing = "completed" if verdict is None else "incomplete"
            events.append(self.note(ItemClosed(self._next_seq, item.opened.index, status)))
        return events, verdict

    def _release_calls(self) -> tuple[list[Event], Verdict | None]:
        """Say what the screens of calls hold back: clients read a call as whole once another one begins."""
        events: list[Event] = []
        for call in self._calls.values():
            rest, verdict = call.screen.close()
            events += self._say(call, rest)
            if verdict is not None:
                return events, verdict
            # A provider may still go on with it.
            call.screen = self._another()
        return events, None

    def _say(self, item: _Item, text: str) -> list[Event]:
        if not text:
            return []
        events: list[Event] = []
        if item.opened is None:
            events.append(self._open(item))
        told = self._withheld.shown(text) if self._withheld is not None and item.kind == "message" else ""
        index = item.opened.index if item.opened is not None else 0
        events.append(self.note(Delta(self._next_seq, index, text, told)))
        return events

    def _open(self, item: _Item, call_id: str = "", name: str = "") -> Event:
        before = list(self._items())
        index = len(before)
        named = items.item_id(self._message_id, item.kind, index, first=items.is_first(item.kind, before))
        if item.kind == "function_call" and not call_id:
            # Some providers give none, and the output has to come back under one.
            call_id = f"call_{self._message_id.removeprefix('msg_')}.{index}"
        item.opened = ItemOpened(self._next_seq, index, named, item.kind, call_id, name)
        return self.note(item.opened)

    def _items(self) -> Iterator[ItemOpened]:
        return (event for event in self.events if isinstance(event, ItemOpened))

    def _next_screen(self) -> Screen:
        """Return the screen of the first text, and then others."""
        screen, self._screen = self._screen, None
        return screen if screen is not None else self._another()
