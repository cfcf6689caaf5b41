"""The conversations of a user: list, read, rename, delete, follow. Another's is as one that does not exist."""

from collections.abc import Callable, Sequence

from server.chat.live_conversations import Hear, LiveConversation, LiveConversations
from server.chat.refusals import no_conversation
from server.core import ports
from server.core.ports import Clock
from server.core.records import Actor, Conversation, Message, Turn


class Conversations:
    """What a user may do with stored conversations. Every call raises `Refused("conversation_not_found")`.

    Whoever follows a conversation, on any device, sees what is changed here.
    """

    def __init__(self, *, store: ports.Conversations, live: LiveConversations, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock

    async def list(self, actor: Actor, *, after: str | None, limit: int) -> ports.Page:
        """Return one page, most recently used first."""
        return await self._store.list(actor.user_id, after=after, limit=limit)

    async def get(self, actor: Actor, conversation_id: str) -> Conversation:
        """Return the conversation."""
        return _found(await self._store.conversation(conversation_id, actor.user_id), conversation_id)

    async def rename(self, actor: Actor, conversation_id: str, title: str) -> Conversation:
        """Give the conversation another title and return it."""
        renamed = await self._store.rename(conversation_id, actor.user_id, title, self._clock.now())
        self._live.changed(conversation_id)
        return _found(renamed, conversation_id)

    async def delete(self, actor: Actor, conversation_id: str) -> None:
        """Delete the conversation with its messages and turns."""
        if not await self._store.delete(conversation_id, actor.user_id):
            raise no_conversation(conversation_id, "conversation_id")
        self._live.changed(conversation_id)

    async def follow(
        self, actor: Actor, conversation_id: str, hear: Hear
    ) -> tuple[LiveConversation, Callable[[], None]]:
        """Return the conversation as it stands, and what ends the following; `hear` is told of all that is new."""
        return await self._live.follow(actor, conversation_id, hear)

    async def brought(self, turn: Turn) -> Sequence[Message]:
        """Return the messages that came with a turn, oldest first."""
        return await self._store.messages(turn.input_ids, turn.user_id)

    async def messages(self, actor: Actor, conversation_id: str) -> Sequence[Message]:
        """Return the messages on the path to the current leaf, oldest first."""
        conversation = await self.get(actor, conversation_id)
        if conversation.leaf_id is None:
            return ()
        return await self._store.path(conversation.leaf_id, actor.user_id)


def _found(conversation: Conversation | None, conversation_id: str) -> Conversation:
    if conversation is None:
        raise no_conversation(conversation_id, "conversation_id")
    return conversation
