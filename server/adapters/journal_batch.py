"""What one commit of the journal carries, and what came of it. Knows no event loop and no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from server.adapters.rows import Row, conversation_row, end_row, message_row, turn_of, turn_row, usage_row
from server.core import trail
from server.core.events import Event
from server.core.ports import NewTurn, Orphan, TurnEnd

Owned = tuple[str, int]
"""A turn's id and the number of an owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The rows of a turn that begins."""

    turn: Row
    messages: Sequence[Row]
    conversation: Row | None
    opened: Event

    @property
    def owned(self) -> Owned:
        """The turn and its owner."""
        return self.turn["id"], self.turn["owner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The rows of a turn that ends."""

    owned: Owned
    turn: Row
    reply: Row | None
    usage: Row
    conversation_id: str | None
    moves_leaf: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Leases to extend."""

    owners: Mapping[str, int]
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Whose turns to take over."""

    now: int
    until: int
    everyone: bool
    besides: Sequence[str]
    """Turns that are left where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A turn that was taken over, as it is stored: to read it is no part of the commit, which others wait for."""

    turn_id: str
    owner: int
    facts: str
    segments: Sequence[bytes]

    def orphan(self) -> Orphan:
        """Return what it says. Raises `ValueError` if it cannot be read."""
        events = [event for payload in self.segments for event in unpacked(payload)]
        return Orphan(turn=turn_of(self.facts), owner=self.owner, events=events)


@dataclass(slots=True, kw_only=True)
class Batch:
    """All that is written in one transaction. Of each kind, in the order in which it was asked for."""

    holds: list[Row] = field(default_factory=list)
    beginnings: list[Beginning] = field(default_factory=list)
    events: dict[Owned, list[Event]] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)
    renewals: list[Renewal] = field(default_factory=list)
    adoptions: list[Adoption] = field(default_factory=list)
    withdrawn: list[Beginning] = field(default_factory=list)
    """Turns that an earlier batch stored, or may have stored, for somebody who was gone by then."""

    def join(self) -> None:
        """Make one of neighbouring deltas, which costs time that a writer has."""
        self.events = {owned: trail.joined(events) for owned, events in self.events.items()}


class OutcomeUnknown(OSError):  # noqa: N818
    """The database was lost while it committed: all of the batch was written, or nothing."""


@dataclass(slots=True, kw_only=True)
class Written:
    """What came of a batch that was committed."""

    refused: dict[Owned, Exception] = field(default_factory=dict)
    """Beginnings and endings that were left out, and harmed no other."""
    lost: set[Owned] = field(default_factory=set)
    """Owners that may write nothing more; nothing of theirs was written."""
    renewed: list[list[str]] = field(default_factory=list)
    """For each renewal, the turns that are lost."""
    adopted: list[list[Found]] = field(default_factory=list)
    """For each adoption, what was taken over."""


def beginning(new: NewTurn) -> Beginning:
    """Return the rows of `new`."""
    turn = new.turn
    return Beginning(
        turn=turn_row(new),
        messages=[
            message_row(message, user_id=turn.user_id, conversation_id=turn.conversation_id, turn_id=turn.id)
            for message in new.messages
        ],
        conversation=conversation_row(new.conversation) if new.conversation else None,
        opened=new.opened,
    )


def ending(end: TurnEnd) -> Ending:
    """Return the rows of `end`."""
    reply = None
    if end.reply is not None:
        reply = message_row(
            end.reply, user_id=end.usage.user_id, conversation_id=end.conversation_id, turn_id=end.turn_id
        )
    return Ending(
        owned=(end.turn_id, end.owner),
        turn=end_row(end),
        reply=reply,
        usage=usage_row(end.usage),
        conversation_id=end.conversation_id,
        moves_leaf=end.moves_leaf,
    )


Segment = list[tuple[str, list[Event]]]
"""The events of one commit, by turn id."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Segment)
_apart: Final = msgspec.msgpack.Decoder(list[tuple[str, msgspec.Raw]])


def payload(segment: Segment) -> bytes:
    """Return the segment as bytes."""
    return _encoder.encode(segment)


def segment(payload: bytes) -> Segment:
    """Return the segment that `payload` was made of."""
    return _decoder.decode(payload)


def apart(payload: bytes) -> list[tuple[str, bytes]]:
    """Return the segment that `payload` was made of, the events of each turn still packed."""
    return [(turn_id, bytes(events)) for turn_id, events in _apart.decode(payload)]


_events: Final = msgspec.msgpack.Decoder(list[Event])


def packed(events: Sequence[Event]) -> bytes:
    """Return the events of one turn as bytes."""
    return _encoder.encode(events)


def unpacked(payload: bytes) -> list[Event]:
    """Return the events that `payload` was made of."""
    return _events.decode(payload)
