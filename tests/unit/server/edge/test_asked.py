"""Whatever is sent, parsers answer with a request or with a refusal of the catalogue."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.errors import Refused
from server.core.requests import TurnRequest
from server.edge import completions_ws, responses_ws

WORDS = st.sampled_from(
    [
        "assistant", "auto", "content", "data:image/png;base64,AA", "file-1",
        "id", "image_url", "input_image", "input_text", "json_schema", "local",
        "message", "new", "none", "persona:tutor", "resp_1", "role", "system", "text", "type", "user", "wait", "x" *
        300, "", "\u0000",
    ]
)  # fmt: skip
FIELDS = st.sampled_from(
    [
        "client_request_id", "content", "conversation", "detail", "dials",
        "file_id", "format", "function_call", "generate", "greeting",
        "id", "image_url", "include", "include_usage", "input", "instructions",
        "logit_bias", "max_output_tokens", "max_tokens",
        "messages", "metadata", "modalities", "model", "n", "persona", "previous_response_id", "prompt",
        "response_format", "role", "seed", "stop", "store", "stream", "stream_id", "stream_options", "temperature",
        "text", "tool_calls", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "type", "url", "user",
        "variables", "version", "when_capped",
    ]
)  # fmt: skip
SIMPLE = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), WORDS)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(FIELDS, WORDS), inner, max_size=4)),
    max_leaves=12,
)
HI = [{"role": "user", "content": "hi"}]
BODIES = st.dictionaries(FIELDS, VALUES, max_size=6)


def outcome(body: dict[str, Any], reader: Any) -> TurnRequest | Refused | str:
    try:
        read = reader(body)
    except Refused as refused:
        return refused
    return read if isinstance(read, str) else read.request


@settings(max_examples=400)
@given(BODIES)
def test_any_create_is_read_or_refused(body: dict[str, Any]) -> None:
    """No `response.create` makes the parser fail in another way, with input of its own or a good one."""
    frame = {"type": "response.create"}
    assert isinstance(outcome(body | frame, responses_ws.DOOR.read), (TurnRequest, Refused))
    assert isinstance(outcome(body | frame | {"input": HI}, responses_ws.DOOR.read), (TurnRequest, Refused))


@settings(max_examples=400)
@given(BODIES)
def test_any_completion_is_read_or_refused(body: dict[str, Any]) -> None:
    """No chat body makes the parser fail in another way, with messages of its own or good ones."""
    assert isinstance(outcome(body, completions_ws.DOOR.read), (TurnRequest, Refused))
    assert isinstance(outcome(body | {"messages": HI}, completions_ws.DOOR.read), (TurnRequest, Refused))


@given(BODIES)
def test_any_frame_is_answered(frame: dict[str, Any]) -> None:
    """A frame of whatever type is a request, an answer or a refusal."""
    assert isinstance(outcome(frame, responses_ws.DOOR.read), (TurnRequest, Refused, str))


def test_the_parts_of_all_messages_are_counted() -> None:
    """A request may have many messages of many parts, but not both."""
    part = {"type": "input_text", "text": "a"}
    for messages, kind in ((20, TurnRequest), (21, Refused)):
        said = [{"role": "user", "content": [part] * 500}] * messages
        assert isinstance(outcome({"type": "response.create", "input": said}, responses_ws.DOOR.read), kind)
        assert isinstance(outcome({"messages": said}, completions_ws.DOOR.read), kind)
