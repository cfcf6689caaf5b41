"""One answer, however many connections it takes: what asks for it on each, and what of the frames is new. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from client import frames
from client.errors import AnswerFailedError, ParleyError, RefusedError
from client.events import Completed, Created, Delta, Event, Position, ServedBy

AGAIN: Final = frozenset({"draining", "storage_unavailable", "internal_error"})
"""Refusals of one node at one moment: an answer that has begun is asked for again."""

POSITION_LOST: Final = "stream_position_lost"


class Answer:
    """Turns frames of any number of connections into the events of one answer: each once, in order.

    It begins with the frame `create`, or goes on after a `position`.
    """

    def __init__(self, create: Mapping[str, Any] | None = None, *, position: Position | None = None) -> None:
        self._create = create or {}
        self.response_id = position.response_id if position else None
        self._seen = position.sequence_number if position else -1
        self._text: list[str] | None = [] if self._seen < 0 else None
        """What was told; None where it is not known, because an answer goes on after a position."""
        self._skip = ""
        """What was told and comes once more."""
        self._created = self._served_by = False
        self.over = False
        """Whether it has ended, well or not."""

    @property
    def position(self) -> Position | None:
        """How far it was seen; None before it began."""
        return Position(self.response_id, self._seen) if self.response_id else None

    def request(self, lane: str) -> dict[str, Any]:
        """Return the frame that brings what was not seen yet over a connection that knows nothing of it."""
        if self.response_id is None:
            return {**self._create, "stream_id": lane}
        after = {} if self._seen < 0 else {"starting_after": self._seen}
        return {"type": "parley:resume", "response_id": self.response_id, "stream_id": lane, **after}

    def take(self, frame: Mapping[str, Any]) -> list[Event | ParleyError]:
        """Return what is new in `frame`; an error is the last of all."""
        number = frame.get("sequence_number")
        if number is not None:
            if self.over or (number <= self._seen and frame["type"] not in frames.TERMINAL):
                return []
            self._seen = max(number, self._seen)
        told = frames.read(frame, self.response_id or "")
        match told:
            case None:
                return []
            case Created():
                return self._begin(told)
            case Delta():
                return self._add(told)
            case ServedBy():
                return self._tell_served_by(told)
            case Completed() if self._skip:
                return self._differs()
            case Completed() | ParleyError():
                self.over = True
                return [told]

    def refuse(self, refused: RefusedError) -> ParleyError | None:
        """Return the error that a refusal of the request is to the reader; None if it is to be asked for again."""
        if refused.code in AGAIN and (self.response_id is not None or refused.code == "draining"):
            return None
        if refused.code == POSITION_LOST and self._reload():
            return None
        self.over = True
        if self.response_id is None:
            return refused
        return AnswerFailedError(code=refused.code, message=refused.message, response_id=self.response_id)

    def _reload(self) -> bool:
        """Have the whole answer come once more, if what was told of it is known and it does not do so already."""
        if self._text is None or self._seen < 0:
            return False
        self._seen = -1
        self._skip = "".join(self._text)
        return True

    def _begin(self, created: Created) -> list[Event | ParleyError]:
        self.response_id = created.response_id
        told: list[Event | ParleyError] = [] if self._created else [created]
        self._created = True
        return told if created.served_by is None else told + self._tell_served_by(created.served_by)

    def _tell_served_by(self, served_by: ServedBy) -> list[Event | ParleyError]:
        told: list[Event | ParleyError] = [] if self._served_by else [served_by]
        self._served_by = True
        return told

    def _add(self, delta: Delta) -> list[Event | ParleyError]:
        text = delta.text
        if self._skip:
            again = min(len(self._skip), len(text))
            if text[:again] != self._skip[:again]:
                return self._differs()
            self._skip, text = self._skip[again:], text[again:]
            if not text:
                return []
        if self._text is not None:
            self._text.append(text)
        return [Delta(text=text, position=delta.position)]

    def _differs(self) -> list[Event | ParleyError]:
        self.over = True
        message = "The server has another text than what was shown of this answer."
        return [AnswerFailedError(code=POSITION_LOST, message=message, response_id=self.response_id or "")]
