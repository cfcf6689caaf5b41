"""Frames of the Responses protocol, against the types of the official SDK."""

import json
from typing import Any

import pytest
from openai.types.responses import Response, ResponseErrorEvent, ResponseStreamEvent
from openai.types.responses.responses_server_event import ResponsesServerEvent
from pydantic import TypeAdapter

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.events import Delta
from server.core.records import Sampling, ServedBy, TurnStatus
from server.edge.responses_render import error_event, error_frame, frames, response_object, sse
from tests.unit.server.edge.stories import a_turn, an_outcome, deltas, ending, opening, told

STREAM: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SOCKET: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)

ENDINGS = {
    "completed": an_outcome(),
    "too long": an_outcome(TurnStatus.INCOMPLETE, reason="max_output_tokens"),
    "screened": an_outcome(TurnStatus.INCOMPLETE, reason="content_filter"),
    "broken off": an_outcome(TurnStatus.INCOMPLETE),
    "cancelled": an_outcome(TurnStatus.CANCELLED),
    "failed": an_outcome(TurnStatus.FAILED, error_code="upstream_timeout", error_message="It took too long."),
}


def shown(live: LiveTurn, **how: Any) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in frames(live, live.after(-1), **how)]


def test_one_answer_in_full() -> None:
    """An answer is the nine kinds of frames of the protocol, in order, numbered by its events."""
    found = [(frame["sequence_number"], frame["type"]) for frame in shown(told(["Hel", "lo"]))]
    assert found == [
        (0, "response.created"),
        (1, "response.in_progress"),
        (2, "response.output_item.added"),
        (3, "response.content_part.added"),
        (5, "response.output_text.delta"),
        (6, "response.output_text.done"),
        (7, "response.content_part.done"),
        (8, "response.output_item.done"),
        (9, "response.completed"),
    ]


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("stream_id", [None, "conv.A"])
def test_every_frame_fits_the_types_of_the_sdk(name: str, stream_id: str | None) -> None:
    """However an answer ends, each frame validates strictly for streams and for sockets."""
    turn = a_turn(
        served_by=ServedBy("gpt-4", "local", "usage_cap_reached", 1), echo={"metadata": {"a": "b"}, "user": "u"}
    )
    for frame in shown(told(["He", "y"], ENDINGS[name], turn), stream_id=stream_id):
        assert frame.get("stream_id") == stream_id
        SOCKET.validate_python(frame, strict=True)
        STREAM.validate_python(frame, strict=True)


@pytest.mark.parametrize(
    ("name", "last", "status", "details"),
    [
        ("completed", "response.completed", "completed", None),
        ("too long", "response.incomplete", "incomplete", {"reason": "max_output_tokens"}),
        ("screened", "response.incomplete", "incomplete", {"reason": "content_filter"}),
        ("broken off", "response.incomplete", "incomplete", None),
        ("cancelled", "response.incomplete", "cancelled", None),
        ("failed", "response.failed", "failed", None),
    ],
)
def test_endings(name: str, last: str, status: str, details: dict[str, str] | None) -> None:
    """The last frame tells how it ended; a cancelled answer is an incomplete one with status cancelled."""
    frame = shown(told(["Hey"], ENDINGS[name]))[-1]
    response = frame["response"]
    assert (frame["type"], response["status"], response["incomplete_details"]) == (last, status, details)
    assert response["output"][0]["content"][0]["text"] == "Hey"
    assert response["usage"]["total_tokens"] == 5
    assert (response["completed_at"] is None) == (status != "completed")


def test_a_failure_keeps_our_code() -> None:
    """`error.code` is one that SDKs accept; our own stands in `error.type`."""
    error = shown(told([], ENDINGS["failed"]))[-1]["response"]["error"]
    assert error == {"code": "server_error", "message": "It took too long.", "type": "upstream_timeout"}


def test_created_is_shown_again_as_it_was() -> None:
    """A replay of an ended turn shows a `response.created` that is in progress and has no output."""
    response = shown(told(["Hey"]))[0]["response"]
    assert (response["status"], response["output"], response["usage"]) == ("in_progress", [], None)


def test_only_what_comes_after_a_position_is_shown() -> None:
    """A follower that has seen a number gets the frames above it, also from the middle of an event."""
    live = told(["a", "b"])
    whole = shown(live)
    for after in range(-1, 10):
        rest = [json.loads(frame) for frame in frames(live, live.after(after), after=after)]
        assert [frame["sequence_number"] for frame in rest if frame["type"] != "response.output_text.delta"] == [
            frame["sequence_number"]
            for frame in whole
            if frame["sequence_number"] > after and frame["type"] != "response.output_text.delta"
        ]


def test_the_object_at_any_moment() -> None:
    """The response object has the output so far, and each state of it fits the SDK's type."""
    turn = a_turn()
    events = [*opening(turn), *deltas(["Hel", "lo"]), *ending(6)]
    objects = [response_object(LiveTurn(turn, events[:count])) for count in range(1, len(events) + 1)]
    for found in objects:
        Response.model_validate(found, strict=True)
    assert [(found["status"], [item["status"] for item in found["output"]]) for found in objects] == [
        ("in_progress", []),
        ("in_progress", ["in_progress"]),
        ("in_progress", ["in_progress"]),
        ("in_progress", ["in_progress"]),
        ("in_progress", ["completed"]),
        ("completed", ["completed"]),
    ]
    assert objects[2]["output"][0]["content"][0]["text"] == "Hel"


def test_the_request_is_repeated() -> None:
    """Echo, chaining and the sampling in force stand in the object; what the request left out has its default."""
    turn = a_turn(
        echo={"metadata": {"a": "b"}, "instructions": "x"},
        previous_id="resp_0",
        conversation_id="conv_1",
        store=False,
        sampling=Sampling(temperature=0.5),
    )
    found = response_object(told(["x"], turn=turn))
    assert (found["metadata"], found["instructions"], found["previous_response_id"]) == ({"a": "b"}, "x", "resp_0")
    assert (found["conversation"], found["store"], found["temperature"], found["top_p"]) == (
        {"id": "conv_1"},
        False,
        0.5,
        1,
    )


def test_served_by_is_there_only_when_another_answered() -> None:
    """`served_by` tells who was asked, who answered, why, and when the other is back."""
    assert "served_by" not in response_object(told(["x"]))
    turn = a_turn(served_by=ServedBy("gpt-4", "local", "usage_cap_reached", 1_763_900_000_000_001))
    assert response_object(told(["x"], turn=turn))["served_by"] == {
        "asked": "gpt-4",
        "served": "local",
        "because": "usage_cap_reached",
        "back_at": "2025-11-23T12:13:20.000001Z",
    }


def test_a_refusal_on_a_socket() -> None:
    """An error frame has the status and the headers of HTTP inside, and the lane that it belongs to."""
    refused = Refused("usage_cap_reached", "Wait.", param="model", extra={"next_at": "x"}, headers={"retry-after": "7"})
    frame = json.loads(error_frame(refused, "a"))
    SOCKET.validate_python(frame, strict=True)
    assert frame == {
        "type": "error",
        "status": 429,
        "error": {
            "message": "Wait.",
            "type": "rate_limit_error",
            "param": "model",
            "code": "usage_cap_reached",
            "next_at": "x",
            "headers": {"retry-after": "7"},
        },
        "stream_id": "a",
    }
    assert "stream_id" not in json.loads(error_frame(refused))


def test_server_sent_events() -> None:
    """An SSE event is named by the frame's type; the error event is flat."""
    live = told(["a\nb"])
    text = sse(frames(live, live.after(-1))).decode()
    assert text.startswith('event: response.created\ndata: {"type":"response.created"')
    assert text.count("\n\n") == 9
    error = error_event(Refused("draining", "Bye."), 7)
    ResponseErrorEvent.model_validate(json.loads(error), strict=True)
    assert sse([error]).decode() == f"event: error\ndata: {error}\n\n"


def test_text_is_passed_on_whole() -> None:
    """Quotes, control characters and characters outside the first plane arrive as they were."""
    text = 'a"\\\u0000\u2028\n😀</script>'
    live = LiveTurn(a_turn(), [*opening(a_turn()), Delta(4, 0, text)])
    assert shown(live)[-1]["delta"] == text
