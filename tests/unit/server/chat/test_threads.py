"""Where a turn stands: what it continues, and what it adds."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from server.chat.threads import TITLE_LENGTH, Threads, title_of
from server.core import ports
from server.core.branches import Node
from server.core.errors import Refused
from server.core.ports import StoredTurn
from server.core.records import Conversation, Message, TextPart
from server.core.requests import CURRENT_LEAF, NEW_CONVERSATION, Item, TurnRequest
from tests.contracts.turn_records import a_turn
from tests.unit.server.chat.cast import actor
from tests.unit.server.edge.doors import FakeClock, FakeIds

CHAT = Conversation(id="conv_1", user_id="user_1", created_at=0, updated_at=0, leaf_id="leaf")
ASK = Message(id="msg_ask_1", role="user", parts=(TextPart("Hi."),), created_at=0)
REPLY = Message(id="reply", role="assistant", parts=(TextPart("Hello."),), created_at=0)


class Store:
    """One conversation, and the turns that the test puts here."""

    def __init__(self, *turns: StoredTurn) -> None:
        self._turns = {one.turn.id: one for one in turns}
        self.asked_for: list[str] = []
        self.at_end: Message | None = None

    async def turn(self, turn_id: str, user_id: str) -> StoredTurn | None:
        found = self._turns.get(turn_id)
        return found if found and found.turn.user_id == user_id else None

    async def conversation(self, conversation_id: str, user_id: str) -> Conversation | None:
        return CHAT if (conversation_id, user_id) == (CHAT.id, CHAT.user_id) else None

    async def tree(self, conversation_id: str, user_id: str) -> Sequence[Node]:
        return [Node("ask", None, 0), Node("leaf", "ask", 1)]

    async def path(self, leaf_id: str, user_id: str) -> Sequence[Message]:
        self.asked_for.append(leaf_id)
        return [REPLY, self.at_end] if self.at_end else [REPLY]


def threads(store: Store) -> Threads:
    return Threads(
        turns=cast(ports.Turns, store),
        conversations=cast(ports.Conversations, store),
        clock=FakeClock(),
        ids=FakeIds(),
    )


def asked(*texts: str, **fields: Any) -> TurnRequest:
    return TurnRequest(items=tuple(Item("user", (TextPart(text),)) for text in texts), **fields)


def stored(name: str = "1", reply: Message | None = REPLY, **fields: Any) -> StoredTurn:
    return StoredTurn(turn=a_turn(name, **fields), outcome=None, reply=reply, trail=b"")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (asked("hi", previous_id="resp_9"), "previous_response_not_found"),
        (asked("hi", previous_id="resp_2"), "previous_response_not_found"),
        (asked("hi", conversation="conv_9"), "conversation_not_found"),
        (asked(regenerate="resp_9"), "response_not_found"),
        (asked(regenerate="resp_2"), "response_not_found"),
        (asked(regenerate="resp_1", conversation="conv_1"), "invalid_value"),
        (asked(regenerate="resp_1", conversation=NEW_CONVERSATION), "invalid_value"),
    ],
)
async def test_what_cannot_be_continued(request_: TurnRequest, code: str) -> None:
    """What does not exist and what is another user's are refused alike."""
    with pytest.raises(Refused) as refused:
        await threads(Store(stored(), stored("2", user_id="user_2"))).conversation(actor(), request_)
    assert refused.value.code == code


async def test_a_turn_is_chained_into_its_conversation() -> None:
    """A response that belongs to a conversation leads there; one that does not leads nowhere."""
    one = threads(Store(stored("1", conversation_id=CHAT.id), stored("3")))
    assert await one.conversation(actor(), asked("hi", previous_id="resp_1")) == CHAT
    assert await one.conversation(actor(), asked("hi", previous_id="resp_3")) is None
    assert await one.conversation(actor(), asked("hi", conversation=NEW_CONVERSATION)) is None


@pytest.mark.parametrize(
    ("previous", "leaf"),
    [
        (stored(), "reply"),
        (stored(reply=None), "msg_ask_1"),
        (stored(reply=None, input_ids=(), parent_id="before"), "before"),
    ],
)
async def test_a_turn_answers_to_the_end_of_the_one_before(previous: StoredTurn, leaf: str) -> None:
    """That is its reply, else what it brought, else what it answered to itself."""
    store = Store(previous)
    thread = await threads(store).place(actor(), asked("one", "two", previous_id="resp_1"), None, "<c>")
    assert (store.asked_for, thread.parent_id, thread.inputs[0].parent_id) == ([leaf], leaf, leaf)
    assert [one.text for one in thread.history] == ["Hello.", "one"]
    assert (thread.newest.text, thread.newest.parent_id) == ("two", thread.inputs[0].id)
    assert [one.context for one in thread.inputs] == ["", "<c>"]


@pytest.mark.parametrize(("parent", "path"), [("ask", ["ask"]), (None, []), (CURRENT_LEAF, ["leaf"])])
async def test_a_message_answers_to_the_parent_that_is_named(parent: str | None, path: list[str]) -> None:
    """To any message of the conversation, to none, or else to its leaf."""
    store = Store()
    thread = await threads(store).place(actor(), asked("hi", conversation=CHAT.id, parent=parent), CHAT, "")
    above = path[-1] if path else None
    assert (store.asked_for, thread.inputs[0].parent_id, thread.parent_id) == (path, above, above)


async def test_a_parent_is_in_the_conversation() -> None:
    """A message of another conversation is refused."""
    with pytest.raises(Refused, match="message_not_found"):
        await threads(Store()).place(actor(), asked("hi", conversation=CHAT.id, parent="else"), CHAT, "")


@pytest.mark.parametrize(
    "earlier", [stored(conversation_id=CHAT.id), stored(conversation_id=CHAT.id, input_ids=(), parent_id="msg_ask_1")]
)
async def test_a_question_is_answered_again(earlier: StoredTurn) -> None:
    """A second answer, and a third, stands beside the first; nothing is said anew."""
    store = Store(earlier)
    store.at_end = ASK
    one = threads(store)
    again = asked(regenerate="resp_1")
    conversation = await one.conversation(actor(), again)
    thread = await one.place(actor(), again, conversation, "<c>")
    assert (conversation, store.asked_for) == (CHAT, ["msg_ask_1"])
    assert (thread.history, thread.newest, thread.inputs, thread.parent_id) == ([REPLY], ASK, (), "msg_ask_1")
    assert not thread.begins


@pytest.mark.parametrize("earlier", [stored(), stored(input_ids=())])
async def test_what_asked_nothing_has_no_second_answer(earlier: StoredTurn) -> None:
    """A response that only prepared a turn is refused."""
    with pytest.raises(Refused, match="invalid_value"):
        await threads(Store(earlier)).place(actor(), asked(regenerate="resp_1"), None, "")


async def test_a_conversation_begins_with_a_title() -> None:
    """A new conversation is the actor's and is called by its first words."""
    thread = await threads(Store()).place(actor(), asked("Hello  there", conversation=NEW_CONVERSATION), None, "")
    assert thread.begins
    assert thread.conversation
    assert (thread.conversation.user_id, thread.conversation.title) == ("user_1", "Hello there")


@pytest.mark.parametrize("text", ["word " * 40, "x" * 400])
def test_a_title_is_short(text: str) -> None:
    """It ends between words where there are any."""
    title = title_of([Message(id="m", role="user", parts=(TextPart(text),), created_at=0)])
    assert len(title) <= TITLE_LENGTH + 1
    assert title.endswith(("word…", "x…"))
