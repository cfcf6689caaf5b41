"""What users do to their conversations beside talking in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.core.records import Conversation, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different of a conversation; None leaves it."""

    metadata: Mapping[str, str] | None = None
    archived: bool | None = None


class Keeping(Protocol):
    """Conversations as their users make and change them. Another user's is as one that does not exist."""

    async def create(self, *made: tuple[Conversation, Sequence[Message]]) -> None:
        """Store conversations with messages that came without a turn, as they are chained: all of them or none."""

    async def add(self, conversation_id: str, user_id: str, messages: Sequence[Message], now: int) -> Sequence[Message]:
        """Add messages, chained behind the leaf, and let the last one be the leaf; return them as stored.

        Returns nothing if there is no such conversation.
        """

    async def unused(self, before: int, limit: int) -> Sequence[tuple[str, str]]:
        """Return ids and users of up to `limit` conversations, of all users, that were last used before this time."""

    async def change(self, conversation_id: str, user_id: str, change: Change, now: int) -> bool:
        """Change the conversation; return whether there is one."""
