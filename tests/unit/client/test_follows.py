"""Conversations that are followed over any number of connections."""

from typing import Any

import pytest

from client.commands import Command, Send, Tell
from client.errors import RefusedError
from client.events import (
    Completed,
    Created,
    Deleted,
    Delta,
    Failed,
    Followed,
    Moved,
    Position,
    Retitled,
    TurnBegun,
)
from client.follows import Follow, Follows
from tests.unit.client.wire import completed, created, delta, followed, happened, turn

CONVERSATION = "conv_1"
LANE = "follow.conv_1"


def following() -> tuple[Follows, Follow]:
    """Return what follows one conversation."""
    follows, follow = Follows(), Follow(CONVERSATION)
    follows.add(follow)
    return follows, follow


def shown(frame: dict[str, Any], lane: str = "resp_1") -> dict[str, Any]:
    """Return a frame of a turn that is shown."""
    return frame | {"stream_id": lane}


def fed(follows: Follows, *frames: dict[str, Any]) -> list[Any]:
    """Give frames; return all that readers are told."""
    told: list[Any] = []
    for frame in frames:
        follow = follows.of(frame)
        commands = follows.take(follow, frame) if follow is not None else []
        assert commands is not None
        told += [command.what for command in commands if isinstance(command, Tell)]
    return told


def sent(commands: list[Command]) -> list[Any]:
    """Return the frames among the commands."""
    return [command.frame for command in commands if isinstance(command, Send)]


def refused(code: str, status: int) -> RefusedError:
    """Return a refusal."""
    return RefusedError(code=code, message="no", status=status)


def test_what_happens_is_told() -> None:
    """How it stands, a turn with its words, another title, another leaf, and the end."""
    follows, _ = following()
    told = fed(
        follows,
        followed(title="Sky"),
        turn(),
        shown(created()),
        shown(delta(4, "a")),
        shown(completed(9)),
        happened("leaf", leaf="msg_2"),
        happened("title", title="Blue"),
        happened("something new"),
        happened("deleted"),
        happened("title", title="never told"),
    )
    assert [type(one) for one in told] == [Followed, TurnBegun, Created, Delta, Completed, Moved, Retitled, Deleted]
    assert told[0] == Followed(conversation=CONVERSATION, title="Sky", leaf=None, running=())
    assert told[1].input[0]["content"][0]["text"] == "Why?"
    assert told[3] == Delta(text="a", position=Position("resp_1", 4))
    assert not follows


def test_another_connection_brings_the_rest_of_a_turn_before_it_follows() -> None:
    """What was seen is not told again, and the server need not announce what this client knows."""
    follows, _ = following()
    fed(follows, followed("resp_1"), turn(), shown(created()), shown(delta(4, "a")))
    resume, follow = sent(follows.requests())
    assert resume == {"type": "parley:resume", "response_id": "resp_1", "stream_id": "resp_1", "starting_after": 4}
    assert follow == {"type": "parley:follow", "conversation": CONVERSATION, "stream_id": LANE}
    told = fed(follows, followed("resp_1"), turn(), shown(delta(5, "b")), shown(completed(9)))
    assert [type(one) for one in told] == [Followed, Delta, Completed]
    assert sent(follows.requests()) == [follow]
    assert not follows.running


def test_a_turn_that_breaks_off_does_not_end_the_follow() -> None:
    """It is told of as an event, as is one that cannot be shown any more."""
    follows, follow = following()
    failed = {"type": "response.failed", "sequence_number": 5, "response": {"id": "resp_1", "error": {"code": "x"}}}
    assert fed(follows, turn(), shown(failed))[-1] == Failed(
        response_id="resp_1", code="x", message="The answer broke off."
    )
    fed(follows, turn("resp_2"), shown(created(), "resp_2"))
    commands = follows.refuse(follow, "resp_2", refused("response_not_found", 404))
    assert commands == [Tell(follow, Failed(response_id="resp_1", code="response_not_found", message="no"))]
    assert not follows.running


def test_a_turn_whose_position_is_lost_comes_once_more() -> None:
    """Only what is new of it is told."""
    follows, follow = following()
    fed(follows, turn(), shown(created()), shown(delta(4, "ab")))
    commands = follows.refuse(follow, "resp_1", refused("stream_position_lost", 409))
    assert commands is not None
    assert "starting_after" not in sent(commands)[0]
    assert fed(follows, shown(created()), shown(delta(7, "abc"))) == [Delta(text="c", position=Position("resp_1", 7))]


def test_a_refused_follow_is_told_and_over() -> None:
    """There is no such conversation; one that was followed before has been deleted meanwhile."""
    follows, follow = following()
    no = refused("conversation_not_found", 404)
    assert follows.refuse(follow, LANE, no) == [Tell(follow, no)]
    assert not follows
    follows, follow = following()
    fed(follows, followed())
    assert follows.refuse(follow, LANE, no) == [Tell(follow, Deleted(conversation=CONVERSATION))]


def test_a_fault_of_the_node_asks_for_another_connection() -> None:
    """Nobody is told; the follow goes on elsewhere."""
    follows, follow = following()
    assert follows.refuse(follow, LANE, refused("storage_unavailable", 503)) is None
    fed(follows, followed(), turn(), shown(created()))
    assert follows.refuse(follow, "resp_1", refused("storage_unavailable", 503)) is None
    assert follows.take(follow, happened("unfollowed")) is None
    assert follows


def test_who_leaves_hears_no_more_and_can_come_back() -> None:
    """What was on its way for the first reader is not taken for the second one's."""
    follows, follow = following()
    fed(follows, followed(), turn(), shown(created()))
    assert sent(follows.leave(follow)) == [{"type": "parley:unfollow", "conversation": CONVERSATION}]
    assert follows.leave(follow) == []
    assert fed(follows, shown(delta(4, "a"))) == []
    follows.add(Follow(CONVERSATION))
    told = fed(follows, happened("title", title="old"), happened("unfollowed"), followed(), turn())
    assert [type(one) for one in told] == [Followed, TurnBegun]


def test_a_conversation_has_one_reader() -> None:
    """A second one is a mistake of the program."""
    follows, _ = following()
    with pytest.raises(ValueError, match="conv_1 already"):
        follows.add(Follow(CONVERSATION))
