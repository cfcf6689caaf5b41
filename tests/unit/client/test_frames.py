"""The wire format: what is sent, and what frames mean."""

from datetime import UTC, datetime
from typing import Any

import pytest

from client import frames
from client.errors import AnswerFailedError, RefusedError
from client.events import Completed, Created, Delta, Position, ServedBy, Usage

BARE: dict[str, Any] = {
    "model": None,
    "persona": None,
    "dials": None,
    "conversation": None,
    "previous": None,
    "instructions": None,
    "more": {},
}


def test_a_message_alone_sends_nothing_that_was_not_said() -> None:
    """What the caller left open is left to the server."""
    assert frames.create("hi", client_request_id="r", **BARE) == {
        "type": "response.create",
        "input": "hi",
        "client_request_id": "r",
    }


def test_persona_revision_and_dials_become_a_prompt() -> None:
    """`name@revision` and dials are what the Responses protocol calls a prompt."""
    asked = BARE | {"persona": "tutor@7", "dials": {"depth": "short"}, "conversation": "new", "more": {"store": False}}
    frame = frames.create("hi", client_request_id="r", **asked)
    assert frame["prompt"] == {"id": "tutor", "version": "7", "variables": {"depth": "short"}}
    assert frame["conversation"] == "new"
    assert frame["store"] is False


def test_a_created_response_tells_where_it_is_kept() -> None:
    """The conversation's id is there when there is one."""
    response = {"id": "resp_1", "model": "gpt-4", "conversation": {"id": "conv_1"}}
    frame = {"type": "response.created", "sequence_number": 0, "response": response}
    position = Position("resp_1", 0)
    assert frames.read(frame) == Created(response_id="resp_1", conversation="conv_1", model="gpt-4", position=position)
    loose = frames.read(frame | {"response": response | {"conversation": None}})
    assert isinstance(loose, Created)
    assert loose.conversation is None
    assert loose.served_by is None
    served = {"asked": "gpt-4", "served": "local", "because": "usage_cap_reached", "back_at": None}
    instead = frames.read(frame | {"response": response | {"served_by": served}})
    assert isinstance(instead, Created)
    assert instead.served_by == ServedBy(asked="gpt-4", served="local", because="usage_cap_reached", back_at=None)


def test_a_frame_that_would_cost_the_connection_is_refused_before_it_is_sent() -> None:
    """One message too large, or none that can be sent, does not disturb the others."""
    frames.check({"input": "x" * 1000})
    with pytest.raises(RefusedError, match="message_too_large"):
        frames.check({"input": "x" * frames.LARGEST})
    with pytest.raises(TypeError):
        frames.check({"input": object()})


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]"])
def test_a_handshake_refused_by_something_else_is_told_by_its_status(body: bytes) -> None:
    """What stands in front of a server does not speak our errors."""
    refused = frames.handshake_refusal(502, body)
    assert (refused.status, refused.message) == (502, "The server at this address answered 502.")


def test_a_delta_is_its_text_byte_for_byte() -> None:
    """White space and line ends are part of the answer."""
    told = frames.read({"type": "response.output_text.delta", "delta": " \r\n", "sequence_number": 9}, "resp_1")
    assert told == Delta(text=" \r\n", position=Position("resp_1", 9))


def test_another_model_that_answers_is_told() -> None:
    """The notice says who was asked, who answers, why, and until when."""
    frame = {"type": "parley:served_by", "asked": "gpt-4", "served": "local", "because": "usage_cap_reached"}
    assert frames.read(frame | {"back_at": "2026-11-23T14:31:10.000001Z"}) == ServedBy(
        asked="gpt-4",
        served="local",
        because="usage_cap_reached",
        back_at=datetime(2026, 11, 23, 14, 31, 10, 1, tzinfo=UTC),
    )
    told = frames.read(frame)
    assert isinstance(told, ServedBy)
    assert told.back_at is None


@pytest.mark.parametrize(
    ("kind", "status", "details", "reason"),
    [
        ("response.completed", "completed", None, None),
        ("response.incomplete", "incomplete", {"reason": "max_output_tokens"}, "max_output_tokens"),
        ("response.incomplete", "cancelled", None, None),
    ],
)
def test_an_end_tells_how_and_what_it_took(kind: str, status: str, details: dict[str, str], reason: str) -> None:
    """Each way to end has its status, its reason if there is one, and the usage."""
    usage = {"input_tokens": 3, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 2}}
    response = {"id": "resp_1", "status": status, "incomplete_details": details, "usage": usage}
    assert frames.read({"type": kind, "sequence_number": 12, "response": response}) == Completed(
        response_id="resp_1",
        status=status,  # type: ignore[arg-type]  # the parameters are these
        reason=reason,
        usage=Usage(input_tokens=3, output_tokens=1, cached_tokens=2),
        position=Position("resp_1", 12),
    )


def test_a_failed_answer_is_an_error_with_its_response() -> None:
    """The caller can still look up what arrived."""
    response = {"id": "resp_1", "error": {"code": "server_error", "message": "broke off"}}
    told = frames.read({"type": "response.failed", "sequence_number": 3, "response": response})
    assert isinstance(told, AnswerFailedError)
    assert (told.code, told.response_id) == ("server_error", "resp_1")


def test_a_refusal_says_which_cap_and_until_when() -> None:
    """All that a program needs to wait, or to do something else."""
    error = {
        "message": "You've reached the current usage cap for gpt-4.",
        "code": "usage_cap_reached",
        "param": "model",
        "limit": {"id": "gpt-4.messages", "cap": 50, "used": 50},
        "next_at": "2026-11-23T14:31:10Z",
        "retry_after_seconds": 4265,
        "options": [{"do": "wait"}],
    }
    told = frames.read({"type": "error", "status": 429, "stream_id": "a", "error": error})
    assert isinstance(told, RefusedError)
    assert (told.code, told.status, told.param) == ("usage_cap_reached", 429, "model")
    assert told.limit == error["limit"]
    assert told.next_at == datetime(2026, 11, 23, 14, 31, 10, tzinfo=UTC)
    assert told.retry_after_seconds == 4265
    assert told.options == ({"do": "wait"},)


@pytest.mark.parametrize("kind", ["response.in_progress", "response.output_item.added", "something.new"])
def test_frames_that_tell_nothing_new_are_passed_over(kind: str) -> None:
    """A newer server may say more than this client knows."""
    assert frames.read({"type": kind}) is None
