"""The wire format: what is sent for a message, and what frames mean. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from client.errors import AnswerFailedError, ParleyError, RefusedError
from client.events import (
    Call,
    Completed,
    Created,
    Deleted,
    Delta,
    Followed,
    Moved,
    Position,
    Retitled,
    ServedBy,
    TurnBegun,
    Usage,
)

TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""Types of the frames that end an answer; who goes on after the end is shown it again."""

LARGEST: Final = 16 * 1000 * 1000
"""Bytes of a frame; the server closes the connection over 16 MiB, and refuses the frame alone over 10 MiB."""


def create(
    content: str | Sequence[Mapping[str, Any]],
    *,
    client_request_id: str,
    model: str | None,
    persona: str | None,
    dials: Mapping[str, str] | None,
    conversation: str | None,
    previous: str | None,
    instructions: str | None,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the frame that asks for an answer; what is None is left out."""
    prompt: dict[str, Any] | None = None
    if persona is not None:
        name, _, revision = persona.partition("@")
        prompt = {"id": name} | ({"version": revision} if revision else {})
    if dials:
        prompt = (prompt or {}) | {"variables": dict(dials)}
    optional = {
        "model": model,
        "prompt": prompt,
        "conversation": conversation,
        "previous_response_id": previous,
        "instructions": instructions,
    }
    frame = {"type": "response.create", "input": content, "client_request_id": client_request_id}
    return frame | {key: value for key, value in optional.items() if value is not None} | dict(more)


def check(frame: Mapping[str, Any]) -> None:
    """Raise `RefusedError` if `frame` is so large that the server would close the connection over it.

    Raises `TypeError` if it is no JSON.
    """
    if len(msgspec.json.encode(frame)) > LARGEST:
        raise RefusedError(code="message_too_large", message="A message may take 10 MiB.", status=413)


def read(
    frame: Mapping[str, Any], response_id: str = ""
) -> Created | Delta | ServedBy | Completed | ParleyError | None:
    """Return what `frame` tells the reader of the answer `response_id`; None if it tells nothing new."""
    match frame.get("type"):
        case "response.created":
            return _created(frame)
        case "response.output_text.delta":
            # Deltas carry no response id: the lane tells which answer they belong to.
            return Delta(text=frame["delta"], position=Position(response_id, frame["sequence_number"]))
        case "parley:served_by":
            return _served_by(frame)
        case "response.completed" | "response.incomplete":
            return _completed(frame)
        case "response.failed":
            response = frame["response"]
            error = response.get("error") or {}
            return AnswerFailedError(
                code=error.get("code", "server_error"),
                message=error.get("message", "The answer broke off."),
                response_id=response["id"],
            )
        case "error":
            return refusal(frame.get("status", 500), frame.get("error") or {})
        case _:
            return None


def happening(frame: Mapping[str, Any]) -> Followed | TurnBegun | Retitled | Moved | Deleted | None:
    """Return what a frame `parley:conversation` tells; None if it tells nothing new."""
    conversation = frame["conversation"]
    match frame["event"]:
        case "followed":
            return Followed(
                conversation=conversation, title=frame["title"], leaf=frame["leaf"], running=tuple(frame["running"])
            )
        case "turn":
            return TurnBegun(
                conversation=conversation,
                response_id=frame["response_id"],
                parent=frame["parent"],
                input=tuple(frame["input"]),
                model=frame["model"],
                persona=frame["persona"],
            )
        case "title":
            return Retitled(conversation=conversation, title=frame["title"])
        case "leaf":
            return Moved(conversation=conversation, leaf=frame["leaf"])
        case "deleted":
            return Deleted(conversation=conversation)
        case _:
            return None


def refusal(status: int, error: Mapping[str, Any]) -> RefusedError:
    """Return the refusal that an error object stands for, at every door."""
    return RefusedError(
        code=error.get("code") or error.get("type") or "internal_error",
        message=error.get("message") or "The server gave no reason.",
        status=status,
        param=error.get("param"),
        limit=error.get("limit"),
        next_at=moment(error.get("next_at")),
        retry_after_seconds=error.get("retry_after_seconds"),
        options=error.get("options") or (),
    )


def handshake_refusal(status: int, body: bytes | bytearray) -> RefusedError:
    """Return the refusal of a handshake; `body` need not be ours."""
    try:
        error = msgspec.json.decode(body)["error"]
    except (msgspec.DecodeError, KeyError, TypeError):
        error = {"message": f"The server at this address answered {status}.", "code": "not_found"}
    return refusal(status, error)


def moment(text: str | None) -> datetime | None:
    """Return an RFC 3339 time, None for None."""
    return None if text is None else datetime.fromisoformat(text)


def _created(frame: Mapping[str, Any]) -> Created:
    response = frame["response"]
    conversation = response.get("conversation")
    return Created(
        response_id=response["id"],
        conversation=conversation["id"] if conversation else None,
        model=response["model"],
        position=Position(response["id"], frame["sequence_number"]),
        served_by=_served_by(response["served_by"]) if response.get("served_by") else None,
    )


def _served_by(frame: Mapping[str, Any]) -> ServedBy:
    return ServedBy(
        asked=frame["asked"],
        served=frame["served"],
        because=frame["because"],
        back_at=moment(frame.get("back_at")),
    )


def _completed(frame: Mapping[str, Any]) -> Completed:
    response = frame["response"]
    status: Literal["completed", "incomplete", "cancelled"] = response["status"]
    usage = response.get("usage")
    return Completed(
        response_id=response["id"],
        status=status,
        reason=(response.get("incomplete_details") or {}).get("reason"),
        usage=None
        if usage is None
        else Usage(
            input_tokens=usage["input_tokens"],
            output_tokens=usage["output_tokens"],
            cached_tokens=(usage.get("input_tokens_details") or {}).get("cached_tokens", 0),
        ),
        position=Position(response["id"], frame["sequence_number"]),
        calls=tuple(
            Call(call_id=item["call_id"], name=item["name"], arguments=item["arguments"])
            for item in response.get("output") or ()
            if item.get("type") == "function_call"
        ),
    )
