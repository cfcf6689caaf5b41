"""`parley:conversation`: what happens in a followed conversation, as frames. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from server.chat.live_conversations import LiveConversation
from server.core.records import Message, Turn
from server.edge.items_render import items_of

encode: Final = msgspec.json.Encoder().encode


def followed(live: LiveConversation) -> str:
    """Return what answers a follow: how the conversation stands."""
    known = live.conversation
    return _frame(
        known.id,
        "followed",
        title=known.title,
        leaf=known.leaf_id,
        running=[one.turn.id for one in live.running if not one.ended],
    )


def unfollowed(conversation_id: str) -> str:
    """Return what tells that nothing more of the conversation will be shown."""
    return _frame(conversation_id, "unfollowed")


def turn(begun: Turn, brought: Sequence[Message]) -> str:
    """Return what tells that a turn has begun, what came with it, and in which lane its events come."""
    return _frame(
        begun.conversation_id or "",
        "turn",
        response_id=begun.id,
        stream_id=begun.id,
        parent=begun.parent_id,
        input=[item for message in brought for item in items_of(message)],
        model=begun.model,
        persona=begun.persona,
    )


def title(conversation_id: str, text: str) -> str:
    """Return what tells of another title."""
    return _frame(conversation_id, "title", title=text)


def leaf(conversation_id: str, message_id: str | None) -> str:
    """Return what tells that the conversation goes on from another message."""
    return _frame(conversation_id, "leaf", leaf=message_id)


def deleted(conversation_id: str) -> str:
    """Return what tells that the conversation is no more."""
    return _frame(conversation_id, "deleted")


def _frame(conversation_id: str, event: str, **members: Any) -> str:
    frame = {"type": "parley:conversation", "conversation": conversation_id, "event": event, **members}
    return encode(frame).decode()
