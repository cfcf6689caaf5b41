"""What users do to their conversations beside talking in them: begin, fill, mark, put away, search, take along."""

from collections.abc import Sequence

from server.chat.live_conversations import LiveConversations
from server.chat.refusals import blocked, no_conversation
from server.chat.threads import title_of
from server.chat.transfer import Brought
from server.core import ports
from server.core.errors import Refused
from server.core.ports import Clock, Ids, Moderator, ScreenContext
from server.core.ports_conversations import Change, Keeping
from server.core.ports_search import Matches, Search
from server.core.records import Actor, Conversation, ImagePart, Message
from server.core.requests import Item
from server.core.searching import Query


class Keeper:
    """Every call on a conversation raises `Refused("conversation_not_found")`; what is brought is screened as input."""

    def __init__(
        self,
        *,
        keeping: Keeping,
        store: ports.Conversations,
        search: Search,
        live: LiveConversations,
        moderator: Moderator,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._keeping = keeping
        self._store = store
        self._search = search
        self._live = live
        self._moderator = moderator
        self._clock = clock
        self._ids = ids

    async def create(
        self, actor: Actor, items: Sequence[Item], *, title: str = "", metadata: dict[str, str] | None = None
    ) -> Conversation:
        """Begin a conversation with what was said elsewhere, and return it."""
        messages = await self._messages(actor, items)
        made = self._conversation(actor, messages, title or title_of(messages), metadata)
        await self._keeping.create((made, messages))
        return made

    async def bring(self, actor: Actor, brought: Sequence[Brought]) -> Sequence[Conversation]:
        """Store the conversations of a file, all of them or none, and return them; each goes on from its last message.

        Raises `Refused` if a message of them must not be said.
        """
        for one in brought:
            await self._screen(actor, one.messages)
        made = [(self._conversation(actor, one.messages, one.title), one.messages) for one in brought]
        await self._keeping.create(*made)
        return [conversation for conversation, _ in made]

    async def add(self, actor: Actor, conversation_id: str, items: Sequence[Item]) -> Sequence[Message]:
        """Add what was said elsewhere behind the leaf, which moves; return it as it is stored."""
        messages = await self._messages(actor, items)
        added = await self._keeping.add(conversation_id, actor.user_id, messages, self._clock.now())
        if not added:
            raise no_conversation(conversation_id, "conversation_id")
        self._live.changed(conversation_id)
        return added

    async def change(self, actor: Actor, conversation_id: str, change: Change) -> None:
        """Mark the conversation, or put it away."""
        if not await self._keeping.change(conversation_id, actor.user_id, change, self._clock.now()):
            raise no_conversation(conversation_id, "conversation_id")
        self._live.changed(conversation_id)

    async def find(self, actor: Actor, query: Query, *, after: str | None, limit: int) -> Matches:
        """Return where the words of a search are, newest first."""
        return await self._search.find(actor.user_id, query, after=after, limit=limit)

    async def everything(self, actor: Actor, conversation_id: str) -> Sequence[Message]:
        """Return all messages of the conversation, of every branch, oldest first."""
        tree = await self._store.tree(conversation_id, actor.user_id)
        ids = [node.id for node in sorted(tree, key=lambda node: (node.created_at, node.id))]
        return await self._store.messages(ids, actor.user_id)

    def _conversation(
        self, actor: Actor, messages: Sequence[Message], title: str, metadata: dict[str, str] | None = None
    ) -> Conversation:
        now = self._clock.now()
        return Conversation(
            id=self._ids.new("conv"),
            user_id=actor.user_id,
            created_at=now,
            updated_at=now,
            title=title,
            leaf_id=messages[-1].id if messages else None,
            metadata=metadata,
        )

    async def _screen(self, actor: Actor, messages: Sequence[Message]) -> None:
        """Refuse what a message must not say."""
        context = ScreenContext(persona="", revision=0, tier=actor.tier, marker="")
        for message in messages:
            for part in message.parts:
                if isinstance(part, ImagePart):
                    raise Refused(
                        "vision_not_supported", "Images cannot be brought into a conversation.", param="items"
                    )
                verdict = await self._moderator.check_input(part.text, context)
                if verdict.action == "stop":
                    raise blocked(verdict)

    async def _messages(self, actor: Actor, items: Sequence[Item]) -> list[Message]:
        now, parent = self._clock.now(), None
        messages: list[Message] = []
        for number, item in enumerate(items):
            # A microsecond apart, so that their age is their order.
            message = Message(
                id=self._ids.new("msg"), role=item.role, parts=item.parts, created_at=now + number, parent_id=parent
            )
            parent = message.id
            messages.append(message)
        await self._screen(actor, messages)
        return messages
