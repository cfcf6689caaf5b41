"""What a model was sent with a question, as operators read it. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from server.chat.rewriting import Rewritten
from server.core.records import ImagePart, Part

REMARKS: Final[Mapping[str, str]] = {
    "same": "These are the messages that the model was sent, to the byte.",
    "different": (
        "These are not the messages that the model was sent: they come out differently now, because the model's "
        "configuration or the version of Parley has changed since."
    ),
    "unknown": (
        "Whether the model was sent these messages to the byte is not known: the answer is of a version that kept "
        "nothing to tell it by."
    ),
}


def prompt_object(again: Rewritten) -> dict[str, Any]:
    """Return the messages, whether they are those that were sent, and what had no room."""
    turn, written = again.turn, again.written
    parts = {portion.part: _room(portion.carried, portion.left_out) for portion in written.portions}
    return {
        "object": "response.prompt",
        "response_id": turn.id,
        "user_id": turn.user_id,
        "persona": turn.persona,
        "revision": turn.revision,
        "model": turn.model,
        "match": again.match,
        "remark": REMARKS[again.match],
        "digest": written.digest,
        "sent_digest": turn.prompt_digest or None,
        "tokens": written.tokens,
        "history": _room(written.past, again.past - written.past),
        "examples": parts.get("examples", _room(0, 0)),
        "knowledge": parts.get("knowledge", _room(0, 0)),
        "messages": [{"role": line.role, "content": [_part(part) for part in line.parts]} for line in written.lines],
    }


def _room(carried: int, left_out: int) -> dict[str, int]:
    return {"carried": carried, "left_out": left_out}


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        return {"type": "image", "id": part.id, "detail": part.detail, "alt": part.alt}
    # Calls and outputs of functions as they are stored, and texts.
    shown: dict[str, Any] = msgspec.to_builtins(part)
    return shown
