"""Frames of ours, beside the protocols: only for clients that opted in, and named `parley:…`. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from server.core.records import ServedBy
from server.edge.asked import LONGEST_ID
from server.edge.fields import wrong
from server.edge.responses_render import served_by

PREFIX: Final = "parley:"

encode: Final = msgspec.json.Encoder().encode


def opted_in(query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Return whether a handshake asks for extensions, by `?extensions=parley` or the header `parley-extensions: 1`."""
    return "parley" in query.get("extensions", "").split(",") or headers.get("parley-extensions", "").strip() == "1"


def pong(ping: Mapping[str, Any]) -> str:
    """Return the answer to a ping, with the ping's `id` if it had one. Raises `Refused` if that is long."""
    frame = {"type": "parley:pong"}
    if "id" not in ping:
        return encode(frame).decode()
    # Answers wait for a client that does not read, so nothing large is repeated to it.
    if len(encode(ping["id"])) > LONGEST_ID:
        raise wrong("id", f"at most {LONGEST_ID} bytes of JSON")
    return encode(frame | {"id": ping["id"]}).decode()


def usage(report: Mapping[str, Any]) -> str:
    """Return what of the caps is left."""
    return encode({"type": "parley:usage", **report}).decode()


def served_by_frame(served: ServedBy, response_id: str, stream_id: str | None) -> str:
    """Return what tells that another alias answers."""
    frame = {"type": "parley:served_by", "response_id": response_id, **served_by(served)}
    return encode(frame if stream_id is None else frame | {"stream_id": stream_id}).decode()


def telling(say: Callable[[str], None], stream_id: str | None) -> Callable[[int], None]:
    """Return what tells the position of a request that waits for room; 1 is the next."""

    def waiting(position: int) -> None:
        frame = {"type": "parley:waiting", "position": position}
        say(encode(frame if stream_id is None else frame | {"stream_id": stream_id}).decode())

    return waiting


def draining(reconnect_in: float) -> str:
    """Return what tells that this node goes down and when to connect again, in milliseconds."""
    return encode({"type": "parley:draining", "reconnect_in_ms": round(reconnect_in * 1000)}).decode()
