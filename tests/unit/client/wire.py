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
