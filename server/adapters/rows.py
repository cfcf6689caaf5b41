"""Records to rows of the tables, and back. Whatever cannot be stored fails here, before it is among other writes."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from server.core.ports import NewTurn, TurnEnd
from server.core.records import Conversation, Message, Outcome, Part, Turn, TurnStatus, Usage, UsageRow

Row = dict[str, Any]

_json: Final = msgspec.json.Encoder()
_parts: Final = msgspec.json.Decoder(tuple[Part, ...])
_turn: Final = msgspec.json.Decoder(Turn)
_outcome: Final = msgspec.json.Decoder(Outcome)
_strings: Final = msgspec.json.Decoder(dict[str, str])
_amounts: Final = msgspec.json.Decoder(dict[str, int])


def turn_row(new: NewTurn) -> Row:
    """Return the row of a turn that begins."""
    turn = new.turn
    return {
        "id": turn.id,
        "user_id": turn.user_id,
        "conversation_id": turn.conversation_id,
        "client_request_id": turn.client_request_id,
        "hold_id": turn.hold_id,
        "message_id": turn.message_id,
        "newest_id": turn.input_ids[-1] if turn.input_ids else None,
        "facts": text_of(turn),
        "owner": new.owner,
        "lease_until": new.lease_until,
        "status": TurnStatus.IN_PROGRESS.value,
        "created_at": turn.created_at,
        "completion_at": turn.created_at if turn.store and turn.door.startswith("chat") else None,
    }


def end_row(end: TurnEnd) -> Row:
    """Return what changes in the row of a turn that ends."""
    return {
        "id": end.turn_id,
        "status": end.outcome.status.value,
        "outcome": text_of(end.outcome),
        "trail": end.trail,
        "ended_at": end.outcome.ended_at,
        "keep_until": end.keep_until,
    }


def message_row(message: Message, *, user_id: str, conversation_id: str | None, turn_id: str) -> Row:
    """Return the row of a message that came with or from this turn."""
    return {
        "id": message.id,
        "user_id": user_id,
        "conversation_id": conversation_id,
        "parent_id": message.parent_id,
        "turn_id": turn_id,
        "role": message.role,
        "status": message.status,
        "parts": text_of(message.parts),
        "context": message.context,
        "created_at": message.created_at,
    }


def conversation_row(conversation: Conversation) -> Row:
    """Return the row of a conversation."""
    return {
        "id": conversation.id,
        "user_id": conversation.user_id,
        "title": conversation.title,
        "persona": conversation.persona,
        "revision": conversation.revision,
        "greeting": conversation.greeting,
        "leaf_id": conversation.leaf_id,
        "metadata": None if conversation.metadata is None else text_of(dict(conversation.metadata)),
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "archived_at": conversation.archived_at,
    }


def usage_row(usage: UsageRow) -> Row:
    """Return the row of what a turn cost."""
    return {
        "turn_id": usage.turn_id,
        "user_id": usage.user_id,
        "asked": usage.asked,
        "model": usage.model,
        "persona": usage.persona,
        "revision": usage.revision,
        "status": usage.status,
        "input_tokens": usage.usage.input_tokens,
        "output_tokens": usage.usage.output_tokens,
        "cached_tokens": usage.usage.cached_tokens,
        "reasoning_tokens": usage.usage.reasoning_tokens,
        "estimated": usage.usage.estimated,
        "hold_id": usage.hold_id,
        "charged": text_of(dict(usage.charged)),
        "created_at": usage.created_at,
        "ended_at": usage.ended_at,
        # What held nothing has nothing to settle.
        "settled_at": None if usage.hold_id else usage.ended_at,
    }


def turn_of(facts: str) -> Turn:
    """Return the turn whose row has these facts."""
    return _turn.decode(facts)


def outcome_of(text: str) -> Outcome:
    """Return the outcome in a turn's row."""
    return _outcome.decode(text)


def message_of(row: Mapping[Any, Any]) -> Message:
    """Return the message of a row."""
    return Message(
        id=row["id"],
        role=row["role"],
        parts=_parts.decode(row["parts"]),
        created_at=row["created_at"],
        parent_id=row["parent_id"],
        turn_id=row["turn_id"] or None,
        status=row["status"],
        context=row["context"],
    )


def conversation_of(row: Mapping[Any, Any]) -> Conversation:
    """Return the conversation of a row."""
    metadata = row["metadata"]
    known = {name: value for name, value in row.items() if name != "indexed_at"}
    return Conversation(**{**known, "metadata": None if metadata is None else _strings.decode(metadata)})


def usage_of(row: Mapping[Any, Any]) -> UsageRow:
    """Return what a row says that a turn cost."""
    return UsageRow(
        turn_id=row["turn_id"],
        user_id=row["user_id"],
        asked=row["asked"],
        model=row["model"],
        persona=row["persona"],
        revision=row["revision"],
        status=row["status"],
        usage=Usage(
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            cached_tokens=row["cached_tokens"],
            reasoning_tokens=row["reasoning_tokens"],
            estimated=bool(row["estimated"]),
        ),
        hold_id=row["hold_id"],
        charged=amounts_of(row["charged"]),
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )


def amounts_of(text: str) -> dict[str, int]:
    """Return amounts by unit."""
    return _amounts.decode(text)


def text_of(value: object) -> str:
    """Return the value as JSON."""
    return _json.encode(value).decode()
