"""Turns, ends and a sink for the tests of what is stored."""

from collections.abc import Sequence
from typing import Any

from server.core import trail
from server.core.events import Delta, Ended, Event, ItemClosed, ItemOpened, Opened
from server.core.ports import NewTurn, TurnEnd
from server.core.records import (
    Conversation,
    Message,
    Outcome,
    Prompt,
    Sampling,
    TextPart,
    Turn,
    TurnStatus,
    Usage,
    UsageRow,
)

OPENED = Opened(0)

LEASE = 3_600_000_000
"""When the lease of a new turn ends, in microseconds: hours away, so that a clock that runs may be at zero."""


class Sink:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.calls: list[str] = []
        self.why: Exception | None = None

    def committed(self, events: Sequence[Event]) -> None:
        self.calls.append("committed")
        self.events.extend(events)

    def fenced(self) -> None:
        self.calls.append("fenced")

    def broken(self, why: Exception) -> None:
        self.calls.append("broken")
        self.why = why

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Delta))


def a_turn(name: str = "1", **fields: Any) -> Turn:
    """A turn with a question of one message."""
    made: dict[str, Any] = {
        "id": f"resp_{name}",
        "user_id": "user_1",
        "asked": "gpt-4",
        "model": "gpt-4",
        "persona": "assistant",
        "revision": 1,
        "prompt": Prompt(dials={}),
        "sampling": Sampling(),
        "created_at": 1_000,
        "hold_id": f"hold_{name}",
        "message_id": f"msg_reply_{name}",
        "input_ids": (f"msg_ask_{name}",),
    }
    return Turn(**(made | fields))


def new_turn(name: str = "1", *, conversation: Conversation | None = None, owner: int = 1, **fields: Any) -> NewTurn:
    """A turn that begins, in a new conversation if one is given."""
    if conversation is not None:
        fields["conversation_id"] = conversation.id
    turn = a_turn(name, **fields)
    asks = [
        Message(
            id=id_, role="user", parts=(TextPart(f"question {name}"),), created_at=turn.created_at, parent_id=parent
        )
        for parent, id_ in zip((turn.parent_id, *turn.input_ids), turn.input_ids, strict=False)
    ]
    return NewTurn(turn=turn, messages=asks, opened=OPENED, conversation=conversation, owner=owner, lease_until=LEASE)


def deltas(*texts: str, start: int = 4) -> list[Event]:
    """A delta for each text, numbered from `start`."""
    return [Delta(start + n, 0, text) for n, text in enumerate(texts)]


def said(name: str, *texts: str) -> list[Event]:
    """What a turn writes before it ends."""
    return [ItemOpened(2, 0, f"msg_reply_{name}"), *deltas(*texts)]


def turn_end(turn: Turn, *texts: str, owner: int = 1, **fields: Any) -> TurnEnd:
    """The end of a turn that answered with these texts."""
    outcome = Outcome(
        status=TurnStatus.COMPLETED, usage=Usage(input_tokens=3, output_tokens=len(texts)), ended_at=2_000
    )
    events = said(turn.id.removeprefix("resp_"), *texts) if texts else []
    last: list[Event] = [ItemClosed(4 + len(texts), 0), Ended(7 + len(texts), outcome)]
    reply = Message(
        id=turn.message_id,
        role="assistant",
        parts=(TextPart("".join(texts)),),
        created_at=2_000,
        parent_id=turn.newest_id,
        turn_id=turn.id,
    )
    made: dict[str, Any] = {
        "turn_id": turn.id,
        "owner": owner,
        "outcome": outcome,
        "events": last,
        "trail": trail.pack([OPENED, *events, *last]),
        "reply": reply if texts else None,
        "usage": usage_of(turn, outcome),
        "conversation_id": turn.conversation_id,
    }
    return TurnEnd(**(made | fields))


def usage_of(turn: Turn, outcome: Outcome, **fields: Any) -> UsageRow:
    """What a turn cost."""
    made: dict[str, Any] = {
        "turn_id": turn.id,
        "user_id": turn.user_id,
        "asked": turn.asked,
        "model": turn.model,
        "persona": turn.persona,
        "revision": turn.revision,
        "status": outcome.status.value,
        "usage": outcome.usage,
        "hold_id": turn.hold_id,
        "charged": {"messages": 1, "tokens": 5},
        "created_at": turn.created_at,
        "ended_at": outcome.ended_at,
    }
    return UsageRow(**(made | fields))


def a_conversation(name: str = "1", **fields: Any) -> Conversation:
    """A conversation that begins."""
    made: dict[str, Any] = {
        "id": f"conv_{name}",
        "user_id": "user_1",
        "created_at": 1_000,
        "updated_at": 1_000,
        "title": "First words",
    }
    return Conversation(**(made | fields))
