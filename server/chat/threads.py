"""Where a turn stands in its conversation: what came before it, and what it adds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from server.chat.dialogue import check_outputs
from server.chat.refusals import no_conversation, no_message
from server.core.errors import Refused
from server.core.ports import Clock, Conversations, Ids
from server.core.ports import Turns as StoredTurns
from server.core.records import Actor, Conversation, Message, TextPart
from server.core.requests import CURRENT_LEAF, NEW_CONVERSATION, Item, TurnRequest

TITLE_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The place of a new turn: the path that leads to it and the messages that it adds."""

    history: Sequence[Message]
    """Everything before the newest message, oldest first; the input's own earlier messages among it."""
    inputs: Sequence[Message]
    """What the turn stores, oldest first; the last one is the newest user message, or outputs of functions.

    None if no answer is wanted, or an old message is answered once more.
    """
    parent_id: str | None
    conversation: Conversation | None
    begins: bool
    """Whether the conversation is new and is stored with the turn."""
    again: Message | None = None
    """The old message that is answered once more."""

    @property
    def newest(self) -> Message:
        """The message that is answered."""
        return self.inputs[-1] if self.again is None else self.again

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
        if request.regenerate is not None:
            wanted = await self._conversation_again(actor, request)
        elif request.previous_id is not None:
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
        """Return where the turn stands. `context` is the line of date and time that goes with its newest message.

        Raises `Refused`.
        """
        if request.regenerate is not None:
            return await self._again(actor, request.regenerate, conversation)
        leaf = await self._leaf(actor, request, conversation)
        history = await self._conversations.path(leaf, actor.user_id) if leaf else ()
        inputs = self._messages(request.items, leaf, context)
        check_outputs(history, inputs)
        begins = conversation is None and request.conversation == NEW_CONVERSATION
        return Thread(
            history=[*history, *inputs[:-1]],
            inputs=inputs,
            parent_id=leaf,
            conversation=self._begin(actor, inputs) if begins else conversation,
            begins=begins,
        )

    async def _conversation_again(self, actor: Actor, request: TurnRequest) -> str | None:
        """Return the conversation of the response to regenerate; if one is named too, it has to be that one."""
        earlier = await self._turns.turn(request.regenerate or "", actor.user_id)
        if earlier is None:
            raise Refused(
                "response_not_found", f"Response with id '{request.regenerate}' not found.", param="regenerate"
            )
        if request.conversation not in {None, earlier.turn.conversation_id}:
            raise Refused(
                "invalid_value",
                f"Response '{request.regenerate}' is not in conversation '{request.conversation}'.",
                param="regenerate",
            )
        return earlier.turn.conversation_id

    async def _again(self, actor: Actor, turn_id: str, conversation: Conversation | None) -> Thread:
        """Return the place of a second answer, beside that of the turn."""
        earlier = await self._turns.turn(turn_id, actor.user_id)
        newest_id = earlier.turn.newest_id if earlier else None
        path = await self._conversations.path(newest_id, actor.user_id) if newest_id else ()
        if not path or path[-1].role == "assistant":
            raise Refused("invalid_value", f"Response '{turn_id}' answers no message.", param="regenerate")
        return Thread(
            history=path[:-1],
            inputs=(),
            parent_id=newest_id,
            conversation=conversation,
            begins=False,
            again=path[-1],
        )

    async def _leaf(self, actor: Actor, request: TurnRequest, conversation: Conversation | None) -> str | None:
        if request.previous_id is None:
            return await self._parent(actor, request.parent, conversation) if conversation else None
        previous = await self._turns.turn(request.previous_id, actor.user_id)
        if previous is None:
            return None
        return previous.turn.newest_id if previous.reply is None else previous.reply.id

    async def _parent(self, actor: Actor, parent: str | None, conversation: Conversation) -> str | None:
        if parent == CURRENT_LEAF:
            return conversation.leaf_id
        if parent is not None:
            tree = await self._conversations.tree(conversation.id, actor.user_id)
            if parent not in {node.id for node in tree}:
                raise no_message(parent, "parent")
        return parent

    def _messages(self, items: Sequence[Item], parent: str | None, context: str) -> list[Message]:
        now = self._clock.now()
        messages: list[Message] = []
        newest_asked = max((index for index, item in enumerate(items) if item.role == "user"), default=None)
        for index, item in enumerate(items):
            message = Message(
                id=self._ids.new("msg"),
                role=item.role,
                parts=item.parts,
                created_at=now,
                parent_id=parent,
                context=context if index == newest_asked else "",
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
            title=title_of(inputs),
        )


def title_of(messages: Sequence[Message]) -> str:
    """Return the first words of the newest user message, as the title of its conversation."""
    asked = next((message for message in reversed(messages) if message.role == "user"), None)
    text = " ".join(part.text for part in asked.parts if isinstance(part, TextPart)) if asked else ""
    line = " ".join(text[: TITLE_LENGTH * 8].split())
    if len(line) <= TITLE_LENGTH:
        return line
    head = line[: TITLE_LENGTH + 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head[:TITLE_LENGTH]) + "…"
