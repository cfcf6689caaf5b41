"""Chunks and completions, against the types of the official SDK."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from server.core.errors import Refused
from server.core.records import Outcome, ServedBy, TurnStatus
from server.edge.completions_render import completion_id, error_frame, frames, sse, turn_id, whole
from tests.unit.server.edge.stories import a_turn, an_outcome, told

BROKEN = {
    "upstream_timeout": an_outcome(TurnStatus.FAILED, error_code="upstream_timeout", error_message="Too long."),
    "upstream_broke_off": an_outcome(TurnStatus.INCOMPLETE),
}


def shown(outcome: Outcome | None = None, *, include_usage: bool = False, **how: Any) -> list[dict[str, Any]]:
    live = told(["Hel", "lo"], outcome, how.pop("turn", None))
    return [json.loads(frame) for frame in frames(live, live.after(-1), include_usage=include_usage, **how)]


def test_one_answer() -> None:
    """An answer is the role, the text, and the finish reason; each chunk fits the SDK's type."""
    chunks = shown()
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "Hello"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, "stop"]
    assert {chunk["id"] for chunk in chunks} == {"chatcmpl-1"}
    assert all("usage" not in chunk and "error" not in chunk for chunk in chunks)


def test_usage_comes_in_a_chunk_of_its_own() -> None:
    """With `include_usage` every chunk has a null usage, and one more with no choices tells the tokens."""
    *chunks, last = shown(include_usage=True, stream_id="a")
    for chunk in (*chunks, last):
        ChatCompletionChunk.model_validate(chunk, strict=True)
        assert chunk["stream_id"] == "a"
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 5


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (an_outcome(), "stop"),
        (an_outcome(TurnStatus.CANCELLED), "stop"),
        (an_outcome(TurnStatus.INCOMPLETE, reason="max_output_tokens"), "length"),
        (an_outcome(TurnStatus.INCOMPLETE, reason="content_filter"), "content_filter"),
    ],
)
def test_finish_reasons(outcome: Outcome, reason: str) -> None:
    """Every ending that a client may take as an answer has its finish reason, streamed or whole."""
    assert shown(outcome)[-1]["choices"][0]["finish_reason"] == reason
    found = whole(told(["Hello"], outcome))
    ChatCompletion.model_validate(found, strict=True)
    assert found["choices"][0]["finish_reason"] == reason
    assert found["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("code", BROKEN)
def test_an_answer_that_broke_off_ends_with_an_error(code: str) -> None:
    """In place of the finish reason comes an error; whole, the completion is that error."""
    last = shown(BROKEN[code], include_usage=True, stream_id="a")[-1]
    assert (last["error"]["code"], last["stream_id"]) == (code, "a")
    with pytest.raises(Refused) as refused:
        whole(told(["Hello"], BROKEN[code]))
    assert refused.value.code == code


def test_our_members_stand_in_the_first_chunk_and_in_the_whole() -> None:
    """Who answered instead, and the conversation, are told once, and only if there is something to tell."""
    turn = a_turn(served_by=ServedBy("gpt-4", "local", "usage_cap_reached"), conversation_id="conv_1")
    chunks = shown(turn=turn, include_usage=True)
    assert (chunks[0]["served_by"]["served"], chunks[0]["conversation"]) == ("local", {"id": "conv_1"})
    assert all("served_by" not in chunk for chunk in chunks[1:])
    assert whole(told(["x"], turn=turn))["served_by"]["asked"] == "gpt-4"
    assert "served_by" not in whole(told(["x"]))


def test_ids_map_back() -> None:
    """A completion's id leads to the turn, and a turn's id to itself."""
    assert turn_id(completion_id("resp_abc")) == "resp_abc"
    assert turn_id("resp_abc") == "resp_abc"


def test_a_refusal_on_a_socket() -> None:
    """An error frame is the error, its status and the lane."""
    refused = Refused("too_many_at_once", "Wait.", headers={"retry-after": "1"})
    frame = json.loads(error_frame(refused, "a"))
    assert (frame["error"]["code"], frame["error"]["headers"], frame["status"]) == (
        "too_many_at_once",
        {"retry-after": "1"},
        429,
    )
    assert frame["stream_id"] == "a"


def test_server_sent_events() -> None:
    """A chunk is one data line."""
    assert sse(["{}", "{}"]) == b"data: {}\n\ndata: {}\n\n"
