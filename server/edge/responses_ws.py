"""The Responses protocol on a socket: what its frames ask for. Pure."""

from typing import Any

import msgspec

from server.core.errors import Refused
from server.edge.asked import Asked
from server.edge.door import Door
from server.edge.responses_parse import parse
from server.edge.responses_render import error_frame, frames

DOOR_NAME = "responses-ws"


def read(frame: dict[str, Any]) -> Asked | str:
    """Return the request of a `response.create`, or the answer to a `response.steer`."""
    match frame.get("type"):
        case "response.create":
            return parse(frame, door=DOOR_NAME)
        case "response.steer":
            return _steer_failed(frame)
        case None:
            raise Refused("missing_field", "'type' is required.", param="type")
        case kind:
            raise Refused("unknown_frame", f"Clients send no frame of type {str(kind)[:64]!r}.", param="type")


def _steer_failed(frame: dict[str, Any]) -> str:
    steer = {name: frame[name] for name in ("input", "previous_response_id") if name in frame}
    error = {
        "type": "invalid_request_error",
        "code": "steering_not_supported",
        "message": "A running answer cannot be steered here; cancel it and ask again.",
    }
    return msgspec.json.encode({"type": "response.steer.failed", "error": error, "steer": steer}).decode()


DOOR = Door(
    read=read,
    show=lambda live, events, after, delivery: frames(live, events, after=after, stream_id=delivery.stream_id),
    refuse=error_frame,
)
