"""What a client does when connections come and go."""

from typing import Any

import pytest

from client.answer import Answer
from client.backoff import FIRST, LONGEST
from client.commands import Command, Connect, Leave, Send, Tell, TellCaps
from client.errors import AnswerFailedError, ConnectionLostError, ParleyError, RefusedError, UnreachableError
from client.events import Completed, Created, Deleted, Delta, Interrupted, Position, TurnBegun
from client.follows import Follow
from client.session import LANES, Session
from tests.unit.client.wire import completed, created, delta, followed, happened, turn

GONE = ConnectionLostError(code=1006, reason="")
RESTART = ConnectionLostError(code=1012, reason="restarting")
NOBODY = UnreachableError("nobody there")


def ask(name: str = "hi") -> Answer:
    """Return an answer that nobody has asked for yet."""
    return Answer({"type": "response.create", "input": name})


def opened(*answers: Answer, **options: Any) -> Session:
    """Return a session with a connection, over which the answers were asked for."""
    session = Session(**options)
    for answer in answers:
        session.ask(answer, 0.0)
    session.opened(0.0)
    return session


def sent(commands: list[Command]) -> list[Any]:
    """Return the frames among the commands."""
    return [command.frame for command in commands if isinstance(command, Send)]


def told(commands: list[Command]) -> list[type]:
    """Return the kinds of what readers are told."""
    return [type(command.what) for command in commands if isinstance(command, Tell)]


def on(lane: str, frame: dict[str, Any]) -> dict[str, Any]:
    """Return the frame on a lane."""
    return frame | {"stream_id": lane}


def error(code: str, lane: str | None, status: int = 503) -> dict[str, Any]:
    """Return an error frame."""
    frame = {"type": "error", "status": status, "error": {"code": code, "message": "no"}}
    return frame if lane is None else on(lane, frame)


def test_a_connection_is_asked_for_when_there_is_something_to_ask() -> None:
    """An idle client connects to nobody, and asks for one connection however many answers want it."""
    session = Session()
    assert session.ask(first := ask("1"), 0.0) == [Connect(0.0, 0)]
    assert session.ask(ask("2"), 0.0) == []
    assert [frame["input"] for frame in sent(session.opened(0.0))] == ["1", "2"]
    assert session.closed(GONE, 1.0, 0.0)
    session.opened(1.0)
    for lane in ("lane-0", "lane-1"):
        session.received(on(lane, error("response_not_found", lane, 404)), 1.0)
    assert first.over
    assert session.closed(GONE, 2.0, 0.0) == []
    assert not session.busy


def test_what_was_not_seen_to_its_end_is_asked_for_on_the_next_connection() -> None:
    """What had begun is resumed at its position, what had not is sent again, in the lanes that they have."""
    session = opened(begun := ask("1"), ask("2"))
    session.received(on("lane-0", created()), 1.0)
    session.received(on("lane-0", delta(4, "a")), 1.0)
    commands = session.closed(GONE, 2.0, 1.0)
    assert commands[-1] == Connect(FIRST, 0)
    first, second = sent(session.opened(3.0))
    assert first == begun.request("lane-0")
    assert (first["type"], first["starting_after"]) == ("parley:resume", 4)
    assert (second["type"], second["input"], second["stream_id"]) == ("response.create", "2", "lane-1")


def test_readers_are_told_once_of_each_interruption() -> None:
    """They hear of the first failure and, once there was news, of the next one."""
    session = opened(ask())
    session.received(on("lane-0", created()), 1.0)
    commands = session.closed(GONE, 1.0, 0.0)
    assert commands[0] == Tell(
        commands[0].reader,  # type: ignore[union-attr]
        Interrupted(code=1006, reason="", position=Position("resp_1", 0)),
    )
    assert told(session.failed(NOBODY, 1.0, 0.0)) == []
    session.opened(2.0)
    assert told(session.closed(GONE, 2.0, 0.0)) == []
    session.opened(3.0)
    session.received(on("lane-0", delta(4, "a")), 3.0)
    assert told(session.closed(GONE, 3.0, 0.0)) == [Interrupted]


def test_pauses_grow_until_a_connection_works() -> None:
    """A server that lets in and throws out again is not asked ever faster."""
    session = opened(ask())
    waits = []
    for second in range(6):
        waits.append(session.closed(GONE, float(second), 1.0)[-1])
        session.opened(float(second))
    assert waits == [Connect(min(LONGEST, FIRST * 2**attempt), 0) for attempt in range(6)]
    session.received(on("lane-0", created()), 7.0)
    assert session.closed(GONE, 7.0, 1.0)[-1] == Connect(FIRST, 0)
    session.opened(8.0)
    assert session.closed(GONE, 9.0 + LONGEST, 1.0)[-1] == Connect(FIRST, 0)


def test_after_its_patience_every_answer_is_given_up_with_its_position() -> None:
    """The error says where to go on; the next answer tries anew."""
    session = opened(ask("1"), ask("2"), patience=10.0)
    session.received(on("lane-0", created()), 1.0)
    session.closed(RESTART, 5.0, 0.0)
    assert session.failed(NOBODY, 14.9, 0.0) == [Connect(0.0, 0)]
    given_up = session.failed(NOBODY, 15.0, 0.0)
    errors = [command.what for command in given_up if isinstance(command, Tell)]
    assert [type(one) for one in errors] == [ConnectionLostError] * 2
    assert [one.position for one in errors if isinstance(one, ConnectionLostError)] == [Position("resp_1", 0), None]
    assert "nobody there" in str(errors[0])
    assert not session.busy
    assert session.ask(ask("3"), 20.0) == [Connect(0.0, 0)]


def test_patience_is_counted_from_the_loss() -> None:
    """The first connection may go before it brought anything, at any time of the clock."""
    session = Session(patience=3.0)
    session.opened(1000.0)
    session.ask(ask(), 1000.0)
    assert session.closed(GONE, 1001.0, 0.0)[-1] == Connect(0.0, 0)
    assert told(session.failed(NOBODY, 1004.0, 0.0)) == [ConnectionLostError]


@pytest.mark.parametrize("code", [1000, 1002, 1003, 1008, 1009, 4401, 4403])
def test_a_close_that_means_no_is_final(code: int) -> None:
    """Nobody comes back who was told not to."""
    session = opened(ask())
    commands = session.closed(ConnectionLostError(code=code, reason="no"), 1.0, 0.0)
    assert told(commands) == [ConnectionLostError]
    assert len(commands) == 1


@pytest.mark.parametrize("code", [1001, 1005, 1006, 1011, 1012, 1013])
def test_a_close_that_means_come_back_is_followed(code: int) -> None:
    """The codes on which OpenAI's SDKs reconnect."""
    session = opened(ask())
    commands = session.closed(ConnectionLostError(code=code, reason=""), 1.0, 0.0)
    assert [type(command) for command in commands] == [Tell, Connect]


@pytest.mark.parametrize(("status", "final"), [(401, True), (403, True), (404, True), (429, False), (503, False)])
def test_a_refused_handshake_is_final_or_of_the_moment(status: int, final: bool) -> None:  # noqa: FBT001
    """A revoked key ends everything; a node that is full or leaves does not."""
    session = opened(ask())
    session.closed(GONE, 1.0, 0.0)
    refused = RefusedError(code="x", message="no", status=status)
    commands = session.failed(refused, 1.0, 0.0)
    assert ([type(command) for command in commands] == [Connect]) is not final
    assert (told(commands) == [RefusedError]) is final


def test_each_attempt_goes_to_the_next_address() -> None:
    """A client that knows several nodes does not wait for the one that is gone."""
    session = opened(ask(), addresses=3)
    went = [session.closed(GONE, 1.0, 0.0)[-1], *(session.failed(NOBODY, 1.0, 0.0)[-1] for _ in range(3))]
    assert [command.address for command in went if isinstance(command, Connect)] == [1, 2, 0, 1]


def test_a_draining_server_finishes_what_runs_and_gets_nothing_new() -> None:
    """New answers wait for the next connection, which is not asked for before the server said so."""
    session = opened(ask("1"))
    session.received(on("lane-0", created()), 1.0)
    assert session.received({"type": "parley:draining", "reconnect_in_ms": 2000}, 1.0) == []
    assert session.ask(ask("2"), 1.0) == []
    assert told(session.received(on("lane-0", delta(4, "a")), 1.5)) == [Delta]
    ended = session.received(on("lane-0", completed(9)), 1.5)
    assert told(ended) == [Completed]
    assert ended[-1] == Leave(0.0)
    # A close that this client begins is no farewell.
    commands = session.closed(ConnectionLostError(code=1000, reason=""), 1.5, 0.0)
    assert commands[-1] == Connect(1.5, 0)
    assert [frame["input"] for frame in sent(session.opened(3.0))] == ["2"]


def test_an_idle_client_of_a_draining_server_comes_back_no_sooner_than_asked() -> None:
    """The connection is left at once; the next answer waits out the time."""
    session = opened()
    assert session.received({"type": "parley:draining", "reconnect_in_ms": 2000}, 1.0) == [Leave(0.0)]
    assert session.closed(ConnectionLostError(code=1000, reason=""), 1.0, 0.0) == []
    assert session.ask(ask(), 2.0) == [Connect(1.0, 0)]


def test_a_draining_node_is_left_if_there_is_another_one() -> None:
    """Running answers go on over the other node, after the time that spreads the clients."""
    session = opened(ask(), addresses=2)
    session.received(on("lane-0", created()), 1.0)
    assert session.received({"type": "parley:draining", "reconnect_in_ms": 500}, 1.0) == [Leave(0.5)]
    assert session.closed(ConnectionLostError(code=1000, reason=""), 1.5, 0.0)[-1] == Connect(0.0, 1)
    assert sent(session.opened(1.6))[0]["type"] == "parley:resume"


def test_a_request_that_came_too_late_to_a_draining_node_waits_for_the_next() -> None:
    """It is not an error for the caller; nothing was stored."""
    session = opened(ask("1"), ask("2"))
    session.received(on("lane-0", created()), 1.0)
    assert session.received(error("draining", "lane-1"), 1.0) == []
    assert session.received(on("lane-0", completed(9)), 2.0)[-1] == Leave(0.0)
    session.closed(ConnectionLostError(code=1000, reason=""), 2.0, 0.0)
    assert [frame["input"] for frame in sent(session.opened(2.0))] == ["2"]


def test_a_node_that_cannot_go_on_with_an_answer_is_left() -> None:
    """The answer is asked for again elsewhere; if that never helps, it fails with what the server said."""
    session = opened(ask(), patience=10.0)
    session.received(on("lane-0", created()), 1.0)
    for second in (2.0, 11.0):
        assert session.received(error("storage_unavailable", "lane-0"), second) == [Leave(0.0)]
        assert isinstance(session.closed(ConnectionLostError(code=1000, reason=""), second, 0.0)[-1], Connect)
        assert sent(session.opened(second))[0]["type"] == "parley:resume"
    commands = session.received(error("storage_unavailable", "lane-0"), 12.0)
    assert told(commands) == [AnswerFailedError]
    assert not session.busy


def test_a_lost_position_is_reloaded_on_the_same_connection() -> None:
    """The whole answer is asked for at once."""
    session = opened(ask())
    session.received(on("lane-0", created()), 1.0)
    (frame,) = sent(session.received(error("stream_position_lost", "lane-0", 409), 1.0))
    assert frame == {"type": "parley:resume", "response_id": "resp_1", "stream_id": "lane-0"}


def test_more_answers_than_lanes_wait() -> None:
    """One begins when another one has ended, on its lane."""
    session = opened(*(ask(str(number)) for number in range(LANES + 1)))
    session.received(on("lane-3", created()), 1.0)
    commands = session.received(on("lane-3", completed(9)), 1.0)
    assert [(frame["input"], frame["stream_id"]) for frame in sent(commands)] == [(str(LANES), "lane-3")]


def test_an_answer_whose_reader_left_keeps_its_lane_and_nothing_else() -> None:
    """It goes on at the server: nobody is told, its lane is free at its end, and no connection brings it again."""
    left, stays = ask("1"), ask("2")
    session = opened(left, stays)
    session.received(on("lane-0", created()), 1.0)
    session.leave(left)
    assert session.received(on("lane-0", delta(4, "a")), 1.0) == []
    assert [command.reader for command in session.closed(GONE, 2.0, 0.0) if isinstance(command, Tell)] == [stays]
    assert [frame["input"] for frame in sent(session.opened(2.0))] == ["2"]
    waiting = ask("3")
    session.closed(GONE, 3.0, 0.0)
    session.ask(waiting, 3.0)
    session.leave(waiting)
    session.leave(stays)
    session.opened(3.0)
    assert session.closed(GONE, 3.0, 0.0) == []
    assert not session.busy


def test_a_cancel_is_said_until_the_answer_was_seen_to_end() -> None:
    """It is not lost with a connection; the answer of another client is told once."""
    session = opened(ask())
    session.received(on("lane-0", created()), 1.0)
    cancel = {"type": "parley:cancel", "response_id": "resp_1"}
    assert sent(session.cancel("resp_1", 1.0)) == [cancel]
    session.closed(GONE, 2.0, 0.0)
    assert session.cancel("resp_other", 2.0) == []
    resumed = sent(session.opened(2.0))
    assert [frame["type"] for frame in resumed] == ["parley:resume", "parley:cancel", "parley:cancel"]
    session.received(on("lane-0", completed(9)), 3.0)
    assert session.closed(GONE, 3.0, 0.0) == []
    assert session.cancel("resp_other", 4.0) == [Connect(0.0, 0)]
    assert sent(session.opened(4.0)) == [{"type": "parley:cancel", "response_id": "resp_other"}]
    assert not session.busy


def test_what_belongs_to_no_answer_ends_none() -> None:
    """Refusals of other frames, frames of lanes that are free and frames of other protocols are passed over."""
    session = opened(ask())
    assert session.received(error("response_not_found", None, 404), 1.0) == []
    assert session.received(error("websocket_connection_limit_reached", None, 400), 1.0) == []
    assert session.received(error("x", "lane-9"), 1.0) == []
    assert session.received(on("lane-9", delta(4, "a")), 1.0) == []
    assert session.received({"type": "parley:pong"}, 1.0) == []
    assert session.received({"type": "parley:usage", "tier": "plus"}, 1.0) == [TellCaps({"tier": "plus"})]
    assert told(session.received(on("lane-0", created()), 1.0)) == [Created]


def test_a_frame_that_could_not_be_read_is_one_that_was_not_accepted() -> None:
    """The server does not know whose it was; answers that have begun are not touched."""
    session = opened(ask("1"), ask("2"))
    session.received(on("lane-0", created()), 1.0)
    commands = session.received(error("message_too_large", None, 413), 1.0)
    assert told(commands) == [RefusedError]
    assert told(session.received(on("lane-0", completed(9)), 1.0)) == [Completed]


def test_a_followed_conversation_wants_a_connection_at_any_time() -> None:
    """It is followed again on the next one; its reader hears of the interruption once."""
    session = Session()
    follow = Follow("conv_1")
    assert session.follow(follow, 0.0) == [Connect(0.0, 0)]
    (request,) = sent(session.opened(0.0))
    assert request["type"] == "parley:follow"
    session.received(followed("resp_1"), 1.0)
    assert told(session.received(turn(), 1.0)) == [TurnBegun]
    assert told(session.received(on("resp_1", created()), 1.0)) == [Created]
    assert told(session.closed(GONE, 2.0, 0.0)) == [Interrupted]
    assert told(session.failed(NOBODY, 2.0, 0.0)) == []
    assert [frame["type"] for frame in sent(session.opened(3.0))] == ["parley:resume", "parley:follow"]
    assert sent(session.unfollow(follow)) == [{"type": "parley:unfollow", "conversation": "conv_1"}]
    assert session.closed(GONE, 4.0, 0.0) == []


def test_a_node_that_cannot_follow_any_more_is_left() -> None:
    """The conversation is followed over the next connection, whose turns go on where they were."""
    session = opened()
    session.follow(Follow("conv_1"), 0.0)
    session.received(followed(), 1.0)
    assert session.received(happened("unfollowed"), 1.0) == [Leave(0.0)]
    session.closed(ConnectionLostError(code=1000, reason=""), 1.0, 0.0)
    session.opened(1.0)
    assert session.received(error("internal_error", "follow.conv_1", 500), 1.0) == [Leave(0.0)]
    session.closed(ConnectionLostError(code=1000, reason=""), 1.0, 0.0)
    session.opened(1.0)
    assert told(session.received(error("conversation_not_found", "follow.conv_1", 404), 1.0)) == [Deleted]
    assert not session.busy


def test_a_draining_node_shows_followed_turns_to_their_end() -> None:
    """Then it is left, and the conversation is followed at the next one."""
    session = opened()
    session.follow(Follow("conv_1"), 0.0)
    session.received(turn(), 1.0)
    assert session.received({"type": "parley:draining", "reconnect_in_ms": 500}, 1.0) == []
    assert session.received(on("resp_1", completed(9)), 1.25)[-1] == Leave(0.0)
    assert session.closed(ConnectionLostError(code=1000, reason=""), 1.25, 0.0)[-1] == Connect(0.25, 0)


def test_a_follow_that_is_given_up_is_told() -> None:
    """Its reader gets the error that answers get."""
    session = opened()
    session.follow(Follow("conv_1"), 0.0)
    assert told(session.closed(ConnectionLostError(code=4401, reason="expired"), 1.0, 0.0)) == [ConnectionLostError]
    assert not session.busy


def test_a_client_that_closes_ends_its_answers() -> None:
    """Nobody waits for what will not come."""
    session = opened(ask())
    errors: list[ParleyError] = [one.what for one in session.stop() if isinstance(one, Tell)]  # type: ignore[misc]
    assert [type(one) for one in errors] == [ConnectionLostError]
    assert not session.busy
