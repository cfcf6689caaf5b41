"""Finding messages by their words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.core.records import Message
from server.core.searching import Query


@dataclass(frozen=True, slots=True)
class Match:
    """Where words were found."""

    conversation_id: str
    title: str
    message: Message | None
    """None if they are in the title."""
    place: str
    """Where the next page goes on."""


@dataclass(frozen=True, slots=True)
class Matches:
    """One page, newest first; `more` says whether another one follows."""

    items: Sequence[Match]
    more: bool


class Search(Protocol):
    """Searches titles and messages of a user's conversations, of all branches. Another user's are never found.

    A message is found once its turn has ended, and no more once its conversation was deleted.
    """

    async def find(self, user_id: str, query: Query, *, after: str | None, limit: int) -> Matches:
        """Return what has all phrases in one message, or one title, after the place `after`."""
