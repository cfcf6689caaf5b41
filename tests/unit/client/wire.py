"""Frames of an answer, as a server sends them."""

from typing import Any

SERVED = {"asked": "gpt-4", "served": "local", "because": "usage_cap_reached", "back_at": None}


def created(number: int = 0, **more: Any) -> dict[str, Any]:
    """Return the first frame of an answer."""
    response = {"id": "resp_1", "model": "local", "conversation": None, **more}
    return {"type": "response.created", "sequence_number": number, "response": response}


def delta(number: int, text: str) -> dict[str, Any]:
    """Return a frame with more of the answer."""
    return {"type": "response.output_text.delta", "sequence_number": number, "delta": text}


def completed(number: int) -> dict[str, Any]:
    """Return the last frame of an answer."""
    response = {"id": "resp_1", "status": "completed", "usage": None}
    return {"type": "response.completed", "sequence_number": number, "response": response}


def happened(event: str, conversation: str = "conv_1", **members: Any) -> dict[str, Any]:
    """Return a frame that tells of a conversation."""
    return {"type": "parley:conversation", "conversation": conversation, "event": event, **members}


def followed(*running: str, title: str = "Sky", leaf: str | None = None) -> dict[str, Any]:
    """Return the frame that answers a follow."""
    return happened("followed", title=title, leaf=leaf, running=list(running))


def turn(name: str = "resp_1") -> dict[str, Any]:
    """Return the frame that tells of a turn."""
    said = [{"id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "Why?"}]}]
    return happened(
        "turn", response_id=name, stream_id=name, parent=None, input=said, model="gpt-4", persona="assistant"
    )
