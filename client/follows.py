"""Conversations that are followed: what asks for them on each connection, and what of the frames is new. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from client import frames
from client.answer import AGAIN, Answer
from client.commands import Command, Send, Tell
from client.errors import AnswerFailedError, ParleyError, RefusedError
from client.events import Deleted, Event, Failed, Followed, Happening, Position, TurnBegun

LANE: Final = "follow."
"""What the lanes begin with in which a follow may be refused."""


class Follow:
    """One conversation, for one reader."""

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.begun = False
        """Whether the server has said that it is followed."""


class Follows:
    """Every conversation that is followed, and the turns in them that are shown, each in a lane of its own."""

    def __init__(self) -> None:
        self._follows: dict[str, Follow] = {}
        self._turns: dict[str, tuple[Follow, Answer]] = {}
        self._leaving: list[str] = []
        """Conversations of which the server has yet to say that they are followed no more."""

    def __bool__(self) -> bool:
        return bool(self._follows)

    def __iter__(self) -> Iterator[Follow]:
        return iter(list(self._follows.values()))

    @property
    def running(self) -> bool:
        """Whether a turn is being shown."""
        return bool(self._turns)

    def answer(self, lane: str) -> Answer | None:
        """Return the turn that is shown in a lane."""
        return self._turns[lane][1] if lane in self._turns else None

    def of(self, frame: Mapping[str, Any]) -> Follow | None:
        """Return the follow that a frame is about, if it is about one."""
        lane = frame.get("stream_id") or ""
        if frame.get("type") == "parley:conversation":
            return self._follows.get(frame["conversation"])
        return self._turns[lane][0] if lane in self._turns else self._follows.get(lane.removeprefix(LANE))

    def add(self, follow: Follow) -> Command:
        """Follow a conversation; return what asks for it. Raises `ValueError` if it is followed already."""
        if follow.conversation in self._follows:
            raise ValueError(f"This client follows {follow.conversation} already.")
        self._follows[follow.conversation] = follow
        return self._request(follow)

    def remove(self, follow: Follow) -> Command | None:
        """Follow it no more; return what says so."""
        if self._follows.get(follow.conversation) is not follow:
            return None
        del self._follows[follow.conversation]
        self._turns = {lane: shown for lane, shown in self._turns.items() if shown[0] is not follow}
        return Send({"type": "parley:unfollow", "conversation": follow.conversation})

    def leave(self, follow: Follow) -> list[Command]:
        """Follow it no more, and tell this connection."""
        request = self.remove(follow)
        if request is None:
            return []
        self._leaving.append(follow.conversation)
        return [request]

    def requests(self) -> list[Command]:
        """Return what brings all that was not seen yet over a connection that knows nothing of it."""
        self._leaving.clear()
        # Turns first: the server does not announce again what this connection has asked for.
        turns: list[Command] = [Send(answer.request(lane)) for lane, (_, answer) in self._turns.items()]
        return turns + [self._request(follow) for follow in self]

    def take(self, follow: Follow, frame: Mapping[str, Any]) -> list[Command] | None:
        """Return what is new of the conversation, or of a turn in it; None if this connection will not tell more."""
        if frame["type"] == "parley:conversation":
            if follow.conversation in self._leaving:
                # These belong to a reader who has left; the next one's begin after them.
                if frame["event"] == "unfollowed":
                    self._leaving.remove(follow.conversation)
                return []
            if frame["event"] == "unfollowed":
                return None
            return [Tell(follow, one) for one in self._happened(follow, frame)]
        _, answer = self._turns[frame["stream_id"]]
        told = answer.take(frame)
        self._forget_ended()
        return [Tell(follow, _happening(one)) for one in told]

    def refuse(self, follow: Follow, lane: str, refused: RefusedError) -> list[Command] | None:
        """Return what a refusal in a lane of ours leads to; None if this connection does not help any more."""
        answer = self.answer(lane)
        if answer is None:
            if refused.code in AGAIN:
                return None
            self.remove(follow)
            gone = follow.begun and refused.code == "conversation_not_found"
            return [Tell(follow, Deleted(conversation=follow.conversation) if gone else refused)]
        error = answer.refuse(refused)
        self._forget_ended()
        if error is not None:
            return [Tell(follow, _happening(error))]
        return None if refused.code in AGAIN else [Send(answer.request(lane))]

    def _happened(self, follow: Follow, frame: Mapping[str, Any]) -> list[Happening]:
        told = frames.happening(frame)
        match told:
            case None:
                return []
            case Followed():
                follow.begun = True
            case TurnBegun():
                if frame["stream_id"] in self._turns:
                    return []
                self._turns[frame["stream_id"]] = follow, Answer(position=Position(told.response_id, -1))
            case Deleted():
                self.remove(follow)
            case _:
                pass
        return [told]

    def _forget_ended(self) -> None:
        self._turns = {lane: shown for lane, shown in self._turns.items() if not shown[1].over}

    @staticmethod
    def _request(follow: Follow) -> Command:
        lane = LANE + follow.conversation
        return Send({"type": "parley:follow", "conversation": follow.conversation, "stream_id": lane})


def _happening(told: Event | ParleyError) -> Happening:
    match told:
        case AnswerFailedError():
            return Failed(response_id=told.response_id, code=told.code, message=told.message)
        case ParleyError():
            return Failed(response_id="", code="internal_error", message=str(told))
        case _:
            return told
