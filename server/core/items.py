"""The items of an answer: how they are named, and how the parts of the stored reply stand for them. Pure.

The reply is one message whose parts are the items of the log, in the order of their indices.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from server.core.events import Delta, Event, ItemClosed, ItemOpened, Kind
from server.core.records import CallPart, Message, ReasoningPart, RefusalPart, ReplyPart, TextPart

_PREFIXES: Final[dict[Kind, str]] = {"message": "msg", "refusal": "msg", "reasoning": "rs", "function_call": "fc"}
_WORDS: Final = frozenset({"message", "refusal"})


def item_id(message_id: str, kind: Kind, index: int, *, first: bool) -> str:
    """Return the id of the item `index` of a reply; the `first` item of words has that of the reply itself."""
    if first and kind in _WORDS:
        return message_id
    return f"{_PREFIXES[kind]}_{message_id.removeprefix('msg_')}.{index}"


def message_id(item: str) -> str:
    """Return the message that an item belongs to."""
    prefix, _, rest = item.partition("_")
    name, dot, _ = rest.rpartition(".")
    return f"msg_{name}" if dot and prefix in _PREFIXES.values() else item


def kind_of(part: ReplyPart) -> Kind:
    """Return which kind of item the part stands for."""
    match part:
        case TextPart():
            return "message"
        case RefusalPart():
            return "refusal"
        case ReasoningPart():
            return "reasoning"
        case CallPart():
            return "function_call"


def opened(message: Message) -> list[tuple[str, ReplyPart]]:
    """Return the parts of a reply, each with the id of its item."""
    named, first = [], True
    for index, part in enumerate(message.parts):
        if isinstance(part, TextPart | RefusalPart | ReasoningPart | CallPart):
            kind = kind_of(part)
            named.append((item_id(message.id, kind, index, first=first), part))
            first = first and kind not in _WORDS
    return named


def is_first(kind: Kind, before: Iterable[ItemOpened]) -> bool:
    """Return whether an item that follows these is the first one of words."""
    return kind in _WORDS and not any(item.kind in _WORDS for item in before)


def texts(reply: Message | None) -> Sequence[str]:
    """Return the text of each item of a reply, in the order of their indices."""
    if reply is None:
        return ()
    return [part.text for part in reply.parts if isinstance(part, TextPart | RefusalPart | ReasoningPart | CallPart)]


def parts(events: Sequence[Event]) -> tuple[ReplyPart, ...]:
    """Return what a log says, as the parts of a reply."""
    items = [event for event in events if isinstance(event, ItemOpened)]
    said: dict[int, list[str]] = {item.index: [] for item in items}
    for event in events:
        if isinstance(event, Delta):
            said[event.index].append(event.text)
    return tuple(_part(item, "".join(said[item.index])) for item in sorted(items, key=lambda item: item.index))


def unfinished(events: Sequence[Event]) -> str | None:
    """Return the text that can be continued; None if more was said than text that is still open."""
    if any(isinstance(event, ItemClosed) or (isinstance(event, ItemOpened) and _is_more(event)) for event in events):
        return None
    return "".join(event.text for event in events if isinstance(event, Delta))


def _is_more(item: ItemOpened) -> bool:
    return item.kind != "message" or item.index > 0


def _part(item: ItemOpened, text: str) -> ReplyPart:
    match item.kind:
        case "message":
            return TextPart(text)
        case "refusal":
            return RefusalPart(text)
        case "reasoning":
            return ReasoningPart(text)
        case "function_call":
            return CallPart(item.call_id, item.name, text)
