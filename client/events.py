"""What an answer is made of, in the order in which it arrives: Created, then ServedBy and Deltas, then Completed.

Interrupted comes in between wherever a connection was lost. Below them is what happens in a followed conversation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


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
class Call:
    """A function of the client's program that the answer calls, with the arguments as the model wrote them."""

    call_id: str
    """Sent back with what the function gives: `{"type": "function_call_output", "call_id": …, "output": …}`."""
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The answer has ended. `reason` says why it is incomplete, if it is and anybody knows."""

    response_id: str
    status: Literal["completed", "incomplete", "cancelled"]
    reason: str | None
    usage: Usage | None
    position: Position
    calls: tuple[Call, ...] = ()
    """What the model wants to know before it goes on; an answer may be nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The connection was lost. Nothing is to be done: the answer goes on where it was, once there is another one."""

    code: int
    """The close code; 1006 if there was none."""
    reason: str
    position: Position | None
    """How far the answer was seen; None if it had not begun."""


Event = Created | Delta | ServedBy | Interrupted | Completed
"""What `send` and `resume` yield."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How a conversation stands; after a lost connection it comes once more."""

    conversation: str
    title: str
    leaf: str | None
    """The message that it goes on from."""
    running: tuple[str, ...]
    """The responses that run; each is told of next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnBegun:
    """A turn that this client did not ask for runs. Its answer's events follow, each with the response's id."""

    conversation: str
    response_id: str
    parent: str | None
    """The message that `input` answers to; None at the beginning."""
    input: tuple[Mapping[str, Any], ...]
    """What was said, as items."""
    model: str
    persona: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The answer of a followed turn broke off, or cannot be shown any more."""

    response_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retitled:
    """The conversation has another title."""

    conversation: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The conversation goes on from another message: an answer has ended, or somebody chose."""

    conversation: str
    leaf: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """The conversation is no more; nothing comes after this."""

    conversation: str


Happening = Event | Followed | TurnBegun | Failed | Retitled | Moved | Deleted
"""What `follow` yields."""
