"""Stored messages as the protocols show them: the items of a conversation. Pure."""

from typing import Any

from server.core.records import Message, TextPart
from server.edge.http_personas import seconds


def item(message: Message) -> dict[str, Any]:
    """Return a message as an item."""
    return {
        "id": message.id,
        "type": "message",
        "role": message.role,
        "status": message.status,
        "content": [_part(message.role, part.text) for part in message.parts if isinstance(part, TextPart)],
        "parent_id": message.parent_id,
        "response_id": message.turn_id,
        "created_at": seconds(message.created_at),
    }


def _part(role: str, text: str) -> dict[str, Any]:
    if role == "user":
        return {"type": "input_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
