"""One answer over any number of connections."""

from typing import Any

import pytest

from client.answer import AGAIN, POSITION_LOST, Answer
from client.errors import AnswerFailedError, ParleyError, RefusedError
from client.events import Completed, Created, Delta, Event, Position, ServedBy
from tests.unit.client.wire import SERVED, completed, created, delta

CREATE = {"type": "response.create", "input": "hi", "client_request_id": "r1"}


def refused(code: str) -> RefusedError:
    """Return a refusal."""
    return RefusedError(code=code, message="no", status=400)


def fed(answer: Answer, *frames: dict[str, Any]) -> list[Event | ParleyError]:
    """Give frames to an answer; return all that it tells."""
    return [told for frame in frames for told in answer.take(frame)]


def text(told: list[Event | ParleyError]) -> str:
    """Return the text among what was told."""
    return "".join(one.text for one in told if isinstance(one, Delta))


def test_what_was_not_answered_is_asked_for_with_the_same_frame() -> None:
    """Before the answer has begun, another connection gets the same request with the same id."""
    answer = Answer(CREATE)
    assert answer.request("a") == CREATE | {"stream_id": "a"}
    assert answer.request("b") == CREATE | {"stream_id": "b"}
    assert answer.position is None


def test_what_has_begun_is_resumed_after_what_was_seen() -> None:
    """Every frame counts, those included that tell the reader nothing."""
    answer = Answer(CREATE)
    fed(answer, created(), {"type": "response.in_progress", "sequence_number": 1})
    assert answer.request("a") == {
        "type": "parley:resume",
        "response_id": "resp_1",
        "starting_after": 1,
        "stream_id": "a",
    }
    assert answer.position == Position("resp_1", 1)


def test_frames_that_were_seen_tell_nothing_again() -> None:
    """A connection that repeats what another one brought adds nothing."""
    answer = Answer(CREATE)
    frames = [created(), delta(4, "a"), delta(6, "bc")]
    told = fed(answer, *frames, *frames, delta(7, "d"), completed(9), completed(9))
    assert [type(one) for one in told] == [Created, Delta, Delta, Delta, Completed]
    assert text(told) == "abcd"
    assert told[2] == Delta(text="bc", position=Position("resp_1", 6))
    assert answer.over


@pytest.mark.parametrize("again", ["abcdef", "ab", "abcd"])
def test_a_lost_position_reloads_the_answer_and_tells_the_rest(again: str) -> None:
    """The whole text comes once more, in whatever pieces; what was told of it is left out."""
    answer = Answer(CREATE)
    told = fed(answer, created(served_by=SERVED), delta(4, "abc"), delta(5, "d"))
    assert answer.refuse(refused(POSITION_LOST)) is None
    assert answer.request("a") == {"type": "parley:resume", "response_id": "resp_1", "stream_id": "a"}
    rest = [delta(8, "abcdef"[len(again) :])] if len(again) < 6 else []
    told += fed(answer, created(served_by=SERVED), delta(3, again), *rest, completed(9))
    assert text(told) == "abcdef"
    assert [one for one in told if isinstance(one, Delta) and not one.text] == []
    assert [type(one) for one in told].count(Created) == 1


@pytest.mark.parametrize("other", ["abX", "ab", ""])
def test_a_reload_that_brings_another_text_is_an_error(other: str) -> None:
    """What was shown cannot be taken back; nothing of the other text is told."""
    answer = Answer(CREATE)
    fed(answer, created(), delta(4, "abc"))
    assert answer.refuse(refused(POSITION_LOST)) is None
    told = fed(answer, created(), delta(4, other))
    told += [] if answer.over else answer.take(completed(5))
    assert [type(one) for one in told] == [AnswerFailedError]
    assert answer.over


def test_a_position_that_is_lost_without_a_text_to_hold_against_is_an_error() -> None:
    """Whoever goes on after a position alone is told, as is who has reloaded already."""
    after = Answer(position=Position("resp_1", 7))
    assert isinstance(after.refuse(refused(POSITION_LOST)), AnswerFailedError)
    whole = Answer(position=Position("resp_1", -1))
    assert isinstance(whole.refuse(refused(POSITION_LOST)), AnswerFailedError)


def test_an_answer_can_begin_at_a_position() -> None:
    """What comes after it is told, and it is asked for in the same way from then on."""
    answer = Answer(position=Position("resp_1", 4))
    assert answer.request("a")["starting_after"] == 4
    assert text(fed(answer, delta(4, "seen"), delta(5, "new"))) == "new"
    assert answer.request("a")["starting_after"] == 5
    assert "starting_after" not in Answer(position=Position("resp_1", -1)).request("a")


def test_who_goes_on_after_the_end_is_told_the_end() -> None:
    """A position may be that of the last event; there is nothing to wait for."""
    answer = Answer(position=Position("resp_1", 9))
    told = fed(answer, completed(9))
    assert [type(one) for one in told] == [Completed]
    assert answer.over


def test_who_answers_instead_is_told_once() -> None:
    """The response says it and a frame of its own does; a replay says both again."""
    frame = {"type": "parley:served_by", **SERVED}
    told = fed(answer := Answer(CREATE), created(served_by=SERVED), frame)
    assert [type(one) for one in told] == [Created, ServedBy]
    answer.refuse(refused(POSITION_LOST))
    assert fed(answer, created(served_by=SERVED), frame) == []
    assert [type(one) for one in fed(Answer(CREATE), created(), frame)] == [Created, ServedBy]


def test_a_refusal_before_the_beginning_is_the_servers_no() -> None:
    """Nothing was stored, and the caller hears why; a node that leaves only sends to the next one."""
    answer = Answer(CREATE)
    assert answer.refuse(refused("draining")) is None
    assert not answer.over
    no = refused("storage_unavailable")
    assert answer.refuse(no) is no
    assert answer.over


def test_a_refusal_after_the_beginning_is_of_the_moment_or_the_end() -> None:
    """A node that cannot show the answer now is asked again; one that knows no such answer ends it."""
    answer = Answer(CREATE)
    fed(answer, created())
    assert [answer.refuse(refused(code)) for code in AGAIN] == [None] * len(AGAIN)
    error = answer.refuse(refused("response_not_found"))
    assert isinstance(error, AnswerFailedError)
    assert (error.code, error.response_id) == ("response_not_found", "resp_1")
