"""A turn as the Responses protocol shows it: the frames of its events, and the response object at any moment. Pure.

The sequence numbers of the frames are those of the events (`core.events.SPAN`). Frames are JSON text; what a stored
turn shows again is what it showed first.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.events import Delta, Ended, Event, ItemClosed, ItemOpened, Opened
from server.core.moments import rfc3339
from server.core.records import Outcome, Sampling, ServedBy, Turn, TurnStatus, Usage
from server.edge import responses_items
from server.edge.functions import repeated_format

_PARAMETERS: Final[Mapping[str, Any]] = {
    "instructions": None,
    "tools": [],
    "tool_choice": "auto",
    "truncation": "disabled",
    "parallel_tool_calls": True,
    "text": {"format": {"type": "text"}},
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "top_logprobs": 0,
    "temperature": 1,
    "reasoning": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "background": False,
    "service_tier": "default",
    "metadata": {},
    "safety_identifier": None,
    "prompt_cache_key": None,
}
"""What a response repeats where its request said nothing; Open Responses requires every one of them."""

_SDK_ERRORS: Final[Mapping[str, str]] = {
    "upstream_rate_limited": "rate_limit_exceeded",
    "usage_cap_reached": "rate_limit_exceeded",
    "upstream_rejected": "invalid_prompt",
    "context_length_exceeded": "invalid_prompt",
    "content_blocked": "invalid_prompt",
}
"""Our codes in the closed list of codes that SDKs accept in `response.error`; all others are `server_error`."""

_ENDINGS: Final[Mapping[TurnStatus, str]] = {
    TurnStatus.COMPLETED: "response.completed",
    TurnStatus.INCOMPLETE: "response.incomplete",
    TurnStatus.CANCELLED: "response.incomplete",
    TurnStatus.FAILED: "response.failed",
}

DEMOTED: Final[Mapping[str, str]] = {"parley:demoted": "system text to notes"}
"""In the metadata of an answer whose caller sent system text that their role may not send."""

_SECOND: Final = 1_000_000

encode: Final = msgspec.json.Encoder().encode


def frames(live: LiveTurn, events: Sequence[Event], *, after: int = -1, stream_id: str | None = None) -> list[str]:
    """Return the frames of `events`, without those whose number is not above `after`."""
    lane = "" if stream_id is None else f',"stream_id":"{stream_id}"'
    out: list[str] = []
    for event in events:
        if type(event) is Delta:
            out.append(_delta(live, event, lane))
            continue
        for seq, frame in enumerate(_frames(live, event), start=event.seq):
            if seq > after:
                out.append(f'{encode(frame).decode()[:-1]},"sequence_number":{seq}{lane}}}')
    return out


def response_object(live: LiveTurn) -> dict[str, Any]:
    """Return the response as it stands: its status, and the output so far."""
    outcome = live.outcome
    status = TurnStatus.IN_PROGRESS if outcome is None else outcome.status
    return _response(live.turn, status, outcome, _output(live))


def served_by(served: ServedBy) -> dict[str, Any]:
    """Return what tells that another alias answered than the one asked for."""
    return {
        "asked": served.asked,
        "served": served.served,
        "because": served.because,
        "back_at": rfc3339(served.back_at),
    }


def error_frame(refused: Refused, stream_id: str | None = None) -> str:
    """Return the error event of a socket, with the headers that HTTP would have."""
    error = refused.body() | ({"headers": dict(refused.headers)} if refused.headers else {})
    frame = {"type": "error", "status": refused.problem.status, "error": error}
    return encode(frame if stream_id is None else frame | {"stream_id": stream_id}).decode()


def error_event(refused: Refused, seq: int) -> str:
    """Return the error event of an SSE stream, which is flat."""
    return encode(
        {
            "type": "error",
            "code": refused.code,
            "message": refused.message,
            "param": refused.param,
            "sequence_number": seq,
        }
    ).decode()


def sse(frames_of_json: Iterable[str]) -> bytes:
    """Return frames as server-sent events, each named by its type."""
    # A frame begins with its type: {"type":"response.created",…
    named = ((frame.split('"', 4)[3], frame) for frame in frames_of_json)
    return "".join(f"event: {name}\ndata: {frame}\n\n" for name, frame in named).encode()


def _delta(live: LiveTurn, delta: Delta, lane: str) -> str:
    item = _opened(live, delta.index)
    text = encode(delta.text).decode()
    if item.kind == "message":
        return (
            f'{{"type":"response.output_text.delta","item_id":"{item.item_id}","output_index":{delta.index},'
            f'"content_index":0,"delta":{text},"logprobs":[{delta.logprobs}],"sequence_number":{delta.seq}{lane}}}'
        )
    name, place = responses_items.piece(item, live.turn)
    return (
        f'{{"type":"{name}.delta","item_id":"{item.item_id}","output_index":{delta.index},'
        f'{place}"delta":{text},"sequence_number":{delta.seq}{lane}}}'
    )


def _frames(live: LiveTurn, event: Event) -> list[dict[str, Any]]:
    match event:
        case Opened():
            response = _response(live.turn, TurnStatus.IN_PROGRESS, None, [])
            return [{"type": f"response.{step}", "response": response} for step in ("created", "in_progress")]
        case ItemOpened():
            return responses_items.opened(event, live.turn)
        case ItemClosed():
            item = _opened(live, event.index)
            return responses_items.closed(
                item, live.turn, event.status, live.text_of(event.index), _logprobs(live, item)
            )
        case Ended(outcome=outcome):
            response = _response(live.turn, outcome.status, outcome, _output(live))
            return [{"type": _ENDINGS[outcome.status], "response": response}]
        case Delta():
            raise TypeError("deltas have a path of their own")


def _output(live: LiveTurn) -> list[dict[str, Any]]:
    return [_item(live, item) for item in live.items]


def _item(live: LiveTurn, opened: ItemOpened) -> dict[str, Any]:
    status = "in_progress"
    for event in live.events:
        if isinstance(event, ItemClosed) and event.index == opened.index:
            status = event.status
    return responses_items.item(opened, live.turn, status, live.text_of(opened.index), _logprobs(live, opened))


def _opened(live: LiveTurn, index: int) -> ItemOpened:
    # Items open early and this runs once per delta: no list of all items here.
    return next(event for event in live.events if type(event) is ItemOpened and event.index == index)


def _logprobs(live: LiveTurn, item: ItemOpened) -> list[Any]:
    if live.turn.sampling.logprobs is None or item.kind != "message":
        return []
    deltas = (event for event in live.events if isinstance(event, Delta) and event.index == item.index)
    told = ",".join(delta.logprobs for delta in deltas if delta.logprobs)
    return cast("list[Any]", msgspec.json.decode(f"[{told}]"))


def _response(turn: Turn, status: TurnStatus, outcome: Outcome | None, output: list[dict[str, Any]]) -> dict[str, Any]:
    completed = outcome is not None and status is TurnStatus.COMPLETED
    reason = outcome.reason if outcome is not None and status is TurnStatus.INCOMPLETE else None
    whole = {
        "id": turn.id,
        "object": "response",
        "created_at": turn.created_at // _SECOND,
        "completed_at": outcome.ended_at // _SECOND if completed and outcome else None,
        "status": status.value,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": turn.model,
        "previous_response_id": turn.previous_id,
        "output": output,
        "error": _error(outcome) if outcome and status is TurnStatus.FAILED else None,
        "usage": _usage(outcome.usage) if outcome else None,
        "store": turn.store,
        "conversation": {"id": turn.conversation_id} if turn.conversation_id else None,
    }
    if turn.served_by is not None:
        whole["served_by"] = served_by(turn.served_by)
    whole |= dict(_PARAMETERS) | turn.echo | repeated_format(turn.sampling.format) | _sampling(turn.sampling)
    if turn.prompt.demoted:
        whole["metadata"] = {**(turn.echo.get("metadata") or {}), **DEMOTED}
    return whole


def _sampling(sampling: Sampling) -> dict[str, Any]:
    """Return what was in force, which the persona may have bounded or chosen."""
    in_force = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_output_tokens": sampling.max_output_tokens,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
    return {name: value for name, value in in_force.items() if value is not None}


def _error(outcome: Outcome) -> dict[str, Any]:
    code = outcome.error_code or "internal_error"
    return {
        "code": _SDK_ERRORS.get(code, "server_error"),
        "message": outcome.error_message or "The answer failed.",
        "type": code,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
