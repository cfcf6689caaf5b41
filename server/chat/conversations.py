"""The conversations of a user: list, read, change, delete, follow. Another's is as one that does not exist."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from server.chat.live_conversations import Hear, LiveConversation, LiveConversations
from server.chat.refusals import no_conversation, no_message
from server.core import branches, ports
from server.core.branches import Node
from server.core.ports import Clock
from server.core.records import Actor, Conversation, Message, Turn


class Placed(NamedTuple):
    """A message and those that stand beside it."""

    message: Message
    siblings: Sequence[str]
    """Ids of the messages that answer to the same one, itself among them, oldest first."""


class Conversations:
    """What a user may do with stored conversations. Every call raises `Refused("conversation_not_found")`.

    Whoever follows a conversation, on any device, sees what is changed here.
    """

    def __init__(self, *, store: ports.Conversations, live: LiveConversations, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock

    async def list(self, actor: Actor, *, after: str | None, limit: int, archived: bool = False) -> ports.Page:
        """Return one page (of those put away), most recently used first."""
        return await self._store.list(actor.user_id, after=after, limit=limit, archived=archived)

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

    async def choose(self, actor: Actor, conversation_id: str, message_id: str) -> Conversation:
        """Let the conversation go on from the newest end of the branch that `message_id` is on, and return it.

        Raises `Refused("message_not_found")` too.
        """
        await self.get(actor, conversation_id)
        tree = await self._store.tree(conversation_id, actor.user_id)
        _check_in(tree, message_id)
        chosen = await self._store.choose(conversation_id, actor.user_id, branches.newest_end(tree, message_id))
        self._live.changed(conversation_id)
        return _found(chosen, conversation_id)

    async def messages(self, actor: Actor, conversation_id: str, leaf: str | None = None) -> Sequence[Placed]:
        """Return the messages on the path to `leaf`, by default the current one, oldest first.

        Raises `Refused("message_not_found")` too.
        """
        conversation = await self.get(actor, conversation_id)
        leaf_id = conversation.leaf_id if leaf is None else leaf
        if leaf_id is None:
            return ()
        tree = await self._store.tree(conversation_id, actor.user_id)
        if leaf is not None:
            _check_in(tree, leaf)
        beside = branches.siblings(tree)
        path = await self._store.path(leaf_id, actor.user_id)
        return [Placed(message, beside.get(message.id, (message.id,))) for message in path]


def _check_in(tree: Sequence[Node], message_id: str) -> None:
    if message_id not in {node.id for node in tree}:
        raise no_message(message_id, "leaf")


def _found(conversation: Conversation | None, conversation_id: str) -> Conversation:
    if conversation is None:
        raise no_conversation(conversation_id, "conversation_id")
    return conversation
