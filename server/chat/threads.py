"""Where a turn stands in its conversation: what came before it, and what it adds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from server.chat.refusals import no_conversation
from server.core.errors import Refused
from server.core.ports import Clock, Conversations, Ids
from server.core.ports import Turns as StoredTurns
from server.core.records import Actor, Conversation, Message, TextPart
from server.core.requests import NEW_CONVERSATION, Item, TurnRequest

TITLE_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The place of a new turn: the path that leads to it and the messages that it adds."""

    history: Sequence[Message]
    """Everything before the newest message, oldest first; the input's own earlier messages among it."""
    inputs: Sequence[Message]
    """What the turn stores, oldest first; the last one is the newest user message. None if no answer is wanted."""
    parent_id: str | None
    conversation: Conversation | None
    begins: bool
    """Whether the conversation is new and is stored with the turn."""

    @property
    def newest(self) -> Message:
        """The message that is answered."""
        return self.inputs[-1]

    @classmethod
    def of_path(cls, path: Sequence[Message]) -> Self:
        """Return the place of a turn that was stored: `path` leads to its newest message."""
        return cls(history=path[:-1], inputs=path[-1:], parent_id=None, conversation=None, begins=False)


class Threads:
    """Reads what a request refers to. Another user's things are as things that do not exist."""

    def __init__(self, *, turns: StoredTurns, conversations: Conversations, clock: Clock, ids: Ids) -> None:
        self._turns = turns
        self._conversations = conversations
        self._clock = clock
        self._ids = ids

    async def conversation(self, actor: Actor, request: TurnRequest) -> Conversation | None:
        """Return the stored conversation that the request names, or the one that it chains into. Raises `Refused`."""
        if request.previous_id is not None:
            previous = await self._turns.turn(request.previous_id, actor.user_id)
            if previous is None:
                raise Refused(
                    "previous_response_not_found",
                    f"Previous response with id '{request.previous_id}' not found.",
                    param="previous_response_id",
                )
            wanted = previous.turn.conversation_id
        else:
            wanted = None if request.conversation == NEW_CONVERSATION else request.conversation
        if wanted is None:
            return None
        found = await self._conversations.conversation(wanted, actor.user_id)
        if found is None:
            raise no_conversation(wanted)
        return found

    async def place(
        self, actor: Actor, request: TurnRequest, conversation: Conversation | None, context: str
    ) -> Thread:
        """Return where the turn stands. `context` is the line of date and time that goes with its newest message."""
        leaf = await self._leaf(actor, request, conversation)
        history = await self._conversations.path(leaf, actor.user_id) if leaf else ()
        inputs = self._messages(request.items, leaf, context)
        begins = conversation is None and request.conversation == NEW_CONVERSATION
        return Thread(
            history=[*history, *inputs[:-1]],
            inputs=inputs,
            parent_id=leaf,
            conversation=self._begin(actor, inputs) if begins else conversation,
            begins=begins,
        )

    async def _leaf(self, actor: Actor, request: TurnRequest, conversation: Conversation | None) -> str | None:
        if request.previous_id is None:
            return conversation.leaf_id if conversation else None
        previous = await self._turns.turn(request.previous_id, actor.user_id)
        if previous is None:
            return None
        if previous.reply is not None:
            return previous.reply.id
        return previous.turn.input_ids[-1] if previous.turn.input_ids else previous.turn.parent_id

    def _messages(self, items: Sequence[Item], parent: str | None, context: str) -> list[Message]:
        now = self._clock.now()
        messages: list[Message] = []
        for index, item in enumerate(items):
            newest = index == len(items) - 1
            message = Message(
                id=self._ids.new("msg"),
                role=item.role,
                parts=item.parts,
                created_at=now,
                parent_id=parent,
                context=context if newest else "",
            )
            parent = message.id
            messages.append(message)
        return messages

    def _begin(self, actor: Actor, inputs: Sequence[Message]) -> Conversation:
        now = self._clock.now()
        return Conversation(
            id=self._ids.new("conv"),
            user_id=actor.user_id,
            created_at=now,
            updated_at=now,
            title=title_of(inputs[-1]) if inputs else "",
        )


def title_of(message: Message) -> str:
    """Return the first words of a message, as the title of its conversation."""
    text = " ".join(part.text for part in message.parts if isinstance(part, TextPart))
    line = " ".join(text[: TITLE_LENGTH * 8].split())
    if len(line) <= TITLE_LENGTH:
        return line
    head = line[: TITLE_LENGTH + 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head[:TITLE_LENGTH]) + "…"
