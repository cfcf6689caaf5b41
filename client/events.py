"""What an answer is made of, in the order in which it arrives: Created, then ServedBy and Deltas, then Completed.

Interrupted comes in between wherever a connection was lost.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Position:
    """How far an answer was seen: enough to go on from here on any connection."""

    response_id: str
    sequence_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one answer and its prompt."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBy:
    """Another model answers than the one that was asked for."""

    asked: str
    served: str
    because: str
    back_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The message is stored and an answer has begun."""

    response_id: str
    conversation: str | None
    """The id of the stored conversation, a new one included; None if there is none."""
    model: str
    """The alias that answers."""
    position: Position
    served_by: ServedBy | None = None
    """Set if that is not the alias which was asked for; the next event says the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """More of the answer, byte for byte. Several may arrive as one; `position` is the last one's."""

    text: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The answer has ended. `reason` says why it is incomplete, if it is and anybody knows."""

    response_id: str
    status: Literal["completed", "incomplete", "cancelled"]
    reason: str | None
    usage: Usage | None
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The connection was lost. Nothing is to be done: the answer goes on where it was, once there is another one."""

    code: int
    """The close code; 1006 if there was none."""
    reason: str
    position: Position | None
    """How far the answer was seen; None if it had not begun."""


Event = Created | Delta | ServedBy | Interrupted | Completed
