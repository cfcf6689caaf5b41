"""Where a turn stands: what it continues, and what it adds."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from server.chat.threads import TITLE_LENGTH, Threads, title_of
from server.core import ports
from server.core.errors import Refused
from server.core.ports import StoredTurn
from server.core.records import Conversation, Message, TextPart
from server.core.requests import NEW_CONVERSATION, Item, TurnRequest
from tests.contracts.turn_records import a_turn
from tests.unit.server.chat.cast import actor
from tests.unit.server.edge.doors import FakeClock, FakeIds

CHAT = Conversation(id="conv_1", user_id="user_1", created_at=0, updated_at=0, leaf_id="leaf")
REPLY = Message(id="reply", role="assistant", parts=(TextPart("Hello."),), created_at=0)


class Store:
    """One conversation, and the turns that the test puts here."""

    def __init__(self, *turns: StoredTurn) -> None:
        self._turns = {one.turn.id: one for one in turns}
        self.asked_for: list[str] = []

    async def turn(self, turn_id: str, user_id: str) -> StoredTurn | None:
        found = self._turns.get(turn_id)
        return found if found and found.turn.user_id == user_id else None

    async def conversation(self, conversation_id: str, user_id: str) -> Conversation | None:
        return CHAT if (conversation_id, user_id) == (CHAT.id, CHAT.user_id) else None

    async def path(self, leaf_id: str, user_id: str) -> Sequence[Message]:
        self.asked_for.append(leaf_id)
        return [REPLY]


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
    ],
)
async def test_what_cannot_be_continued(request_: TurnRequest, code: str) -> None:
    """What does not exist and what is another user's are refused alike."""
    with pytest.raises(Refused) as refused:
        await threads(Store(stored("2", user_id="user_2"))).conversation(actor(), request_)
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


async def test_a_conversation_begins_with_a_title() -> None:
    """A new conversation is the actor's and is called by its first words."""
    thread = await threads(Store()).place(actor(), asked("Hello  there", conversation=NEW_CONVERSATION), None, "")
    assert thread.begins
    assert thread.conversation
    assert (thread.conversation.user_id, thread.conversation.title) == ("user_1", "Hello there")


@pytest.mark.parametrize("text", ["word " * 40, "x" * 400])
def test_a_title_is_short(text: str) -> None:
    """It ends between words where there are any."""
    title = title_of(Message(id="m", role="user", parts=(TextPart(text),), created_at=0))
    assert len(title) <= TITLE_LENGTH + 1
    assert title.endswith(("word…", "x…"))
