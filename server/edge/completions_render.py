"""A turn as the Chat Completions protocol shows it: chunks, and the whole object. Pure.

The id of a completion is the turn's id with another prefix, so that either leads to the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.events import Delta, Ended, Event, ItemOpened, Kind, Opened, last_seq
from server.core.records import Outcome, Turn, TurnStatus, Usage
from server.edge.responses_render import DEMOTED, served_by

_SECOND: Final = 1_000_000
_MEMBERS: Final[Mapping[Kind, str]] = {
    "message": "content",
    "refusal": "refusal",
    "reasoning": "reasoning_content",
}
"""Where a chunk has the text of an item."""

DONE: Final = b"data: [DONE]\n\n"

encode: Final = msgspec.json.Encoder().encode


def completion_id(turn_id: str) -> str:
    """Return the completion's id of a turn: `resp_x` is `chatcmpl-x`."""
    return "chatcmpl-" + turn_id.removeprefix("resp_")


def turn_id(completion: str) -> str:
    """Return the turn of a completion's id; any other text comes back as it is."""
    return "resp_" + completion.removeprefix("chatcmpl-") if completion.startswith("chatcmpl-") else completion


def frames(
    live: LiveTurn,
    events: Sequence[Event],
    *,
    include_usage: bool,
    stream_id: str | None = None,
    numbered: bool = False,
) -> list[str]:
    """Return the chunks of `events`; an answer that broke off ends with an error in place of its last chunk.

    The first chunk also carries the members of ours. `numbered` gives each chunk its position; of two chunks that one
    event makes, only the last one, as there is no position between them.
    """
    lane = "" if stream_id is None else f',"stream_id":"{stream_id}"'
    usage = ',"usage":null' if include_usage else ""
    out: list[str] = []
    for event in events:
        place = f',"sequence_number":{last_seq(event)}{lane}' if numbered else lane
        tail = usage + place
        if type(event) is Delta:
            out.append(_delta(live, event, tail))
        elif isinstance(event, ItemOpened):
            if event.kind == "function_call":
                out.append(_chunk(live.turn, _call_begins(live, event), "null", tail))
        elif isinstance(event, Opened):
            aside = encode(_aside(live.turn)).decode()[1:-1]
            first_tail = f",{aside}{tail}" if aside else tail
            out.append(_chunk(live.turn, '{"role":"assistant","content":""}', "null", first_tail))
        elif isinstance(event, Ended):
            refused = failure(event.outcome)
            if refused is not None:
                out.append(error_frame(refused, stream_id))
                continue
            finish = f'"{_finish_reason(live, event.outcome)}"'
            out.append(_chunk(live.turn, "{}", finish, usage + lane if include_usage else tail))
            if include_usage:
                out.append(_usage_chunk(live.turn, event.outcome, place))
    return out


def whole(live: LiveTurn, *, broken: bool = False) -> dict[str, Any]:
    """Return the completion of a turn that has ended. Raises `Refused` if it broke off, unless it may be `broken`."""
    outcome = live.outcome
    refused = None if broken else failure(outcome)
    if refused is not None or outcome is None:
        raise refused or Refused("internal_error", "The answer has not ended.")
    choice = {
        "index": 0,
        "message": message(live),
        "logprobs": _all_logprobs(live),
        "finish_reason": _finish_reason(live, outcome),
    }
    return (
        _head(live.turn, "chat.completion") | {"choices": [choice], "usage": _usage(outcome.usage)} | _aside(live.turn)
    )


def message(live: LiveTurn) -> dict[str, Any]:
    """Return the message of an answer, whole or so far."""
    kinds = {item.kind for item in live.items}
    said: dict[str, Any] = {
        "role": "assistant",
        # An answer of calls alone has no content; one that said nothing at all has an empty one.
        "content": live.text if "message" in kinds or not kinds else None,
        "refusal": live.said("refusal") if "refusal" in kinds else None,
    }
    if "reasoning" in kinds:
        said["reasoning_content"] = live.said("reasoning")
    if "function_call" in kinds:
        said["tool_calls"] = [_call(item, text) for item, text in _calls(live)]
    return said


def failure(outcome: Outcome | None) -> Refused | None:
    """Return why an answer broke off, or None if it ended in a way that has a finish reason."""
    if outcome is None or outcome.status in {TurnStatus.COMPLETED, TurnStatus.CANCELLED}:
        return None
    if outcome.status is TurnStatus.INCOMPLETE and outcome.reason is not None:
        return None
    if outcome.status is TurnStatus.FAILED:
        return Refused(outcome.error_code or "internal_error", outcome.error_message or "The answer failed.")
    return Refused("upstream_broke_off", "The answer broke off; what arrived is stored.")


def error_frame(refused: Refused, stream_id: str | None = None) -> str:
    """Return a refusal as a socket's frame, with the status and the headers that HTTP would have."""
    error = refused.body() | ({"headers": dict(refused.headers)} if refused.headers else {})
    frame = {"error": error, "status": refused.problem.status}
    return encode(frame if stream_id is None else frame | {"stream_id": stream_id}).decode()


def sse(frames_of_json: Iterable[str]) -> bytes:
    """Return chunks as server-sent events."""
    return "".join(f"data: {frame}\n\n" for frame in frames_of_json).encode()


def _delta(live: LiveTurn, delta: Delta, tail: str) -> str:
    text = encode(delta.text).decode()
    item, place = _found(live, delta.index)
    if item.kind == "function_call":
        said = f'{{"tool_calls":[{{"index":{place},"function":{{"arguments":{text}}}}}]}}'
        return _chunk(live.turn, said, "null", tail)
    logprobs = f'{{"content":[{delta.logprobs}],"refusal":null}}' if delta.logprobs else "null"
    return _chunk(live.turn, f'{{"{_MEMBERS[item.kind]}":{text}}}', "null", tail, logprobs)


def _call_begins(live: LiveTurn, item: ItemOpened) -> str:
    _, place = _found(live, item.index)
    return encode({"tool_calls": [{"index": place} | _call(item, "")]}).decode()


def _found(live: LiveTurn, index: int) -> tuple[ItemOpened, int]:
    """Return an item, and how many calls have begun before it."""
    # Items open early and this runs once per delta: no list of all items here.
    calls = 0
    for event in live.events:
        if type(event) is ItemOpened:
            if event.index == index:
                return event, calls
            calls += event.kind == "function_call"
    raise LookupError(index)


def _calls(live: LiveTurn) -> list[tuple[ItemOpened, str]]:
    """Return the calls of an answer and their arguments, in order."""
    calls = [item for item in live.items if item.kind == "function_call"]
    return [(item, live.text_of(item.index)) for item in calls]


def _call(item: ItemOpened, arguments: str) -> dict[str, Any]:
    return {"id": item.call_id, "type": "function", "function": {"name": item.name, "arguments": arguments}}


def _all_logprobs(live: LiveTurn) -> dict[str, Any] | None:
    if live.turn.sampling.logprobs is None:
        return None
    told = ",".join(event.logprobs for event in live.events if isinstance(event, Delta) and event.logprobs)
    return {"content": msgspec.json.decode(f"[{told}]"), "refusal": None}


def _chunk(turn: Turn, delta: str, finish: str, tail: str, logprobs: str = "null") -> str:
    return (
        f'{{"id":"{completion_id(turn.id)}","object":"chat.completion.chunk","created":{turn.created_at // _SECOND},'
        f'"model":{encode(turn.model).decode()},"system_fingerprint":null,"choices":[{{"index":0,"delta":{delta},'
        f'"logprobs":{logprobs},"finish_reason":{finish}}}]{tail}}}'
    )


def _usage_chunk(turn: Turn, outcome: Outcome, lane: str) -> str:
    last = _head(turn, "chat.completion.chunk") | {"choices": [], "usage": _usage(outcome.usage)}
    return f"{encode(last).decode()[:-1]}{lane}}}"


def _head(turn: Turn, kind: str) -> dict[str, Any]:
    return {
        "id": completion_id(turn.id),
        "object": kind,
        "created": turn.created_at // _SECOND,
        "model": turn.model,
        "system_fingerprint": None,
    }


def _aside(turn: Turn) -> dict[str, Any]:
    """Return our members: who answered if not who was asked, the conversation, and whether system text was demoted."""
    aside: dict[str, Any] = {}
    if turn.served_by is not None:
        aside["served_by"] = served_by(turn.served_by)
    if turn.conversation_id is not None:
        aside["conversation"] = {"id": turn.conversation_id}
    if turn.prompt.demoted:
        aside["metadata"] = dict(DEMOTED)
    return aside


def _finish_reason(live: LiveTurn, outcome: Outcome) -> str:
    if outcome.status is TurnStatus.INCOMPLETE:
        return "length" if outcome.reason == "max_output_tokens" else "content_filter"
    calls = outcome.status is TurnStatus.COMPLETED and any(item.kind == "function_call" for item in live.items)
    return "tool_calls" if calls else "stop"


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
