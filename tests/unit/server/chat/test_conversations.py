"""The conversations of a user."""

import pytest

from server.chat.conversations import Conversations
from server.core.errors import Refused
from server.core.records import Actor, Conversation, Message, TextPart
from tests.unit.server.edge.doors import ANA, FakeStore, World
from tests.unit.server.edge.stories import NOW

BO = Actor("bo", "Bo", "plus")


def kept(leaf: str | None = None) -> tuple[Conversations, FakeStore]:
    """Return the use case over one conversation of Ana's."""
    world = World()
    store = world.store
    store.kept = [Conversation(id="conv_1", user_id="ana", created_at=0, updated_at=0, leaf_id=leaf)]
    return world.services.conversations, store


async def test_a_conversation_is_renamed_now() -> None:
    """A new title is stored with the time of day."""
    conversations, _ = kept()
    renamed = await conversations.rename(ANA, "conv_1", "new")
    assert (renamed.title, renamed.updated_at) == ("new", NOW)
    assert await conversations.get(ANA, "conv_1") == renamed


async def test_anothers_conversation_does_not_exist() -> None:
    """Every call on a conversation that is not the actor's is refused alike, and changes nothing."""
    conversations, store = kept()
    for call in (
        conversations.get(BO, "conv_1"),
        conversations.rename(BO, "conv_1", "x"),
        conversations.delete(BO, "conv_1"),
        conversations.messages(BO, "conv_1"),
        conversations.get(ANA, "conv_2"),
    ):
        with pytest.raises(Refused) as refused:
            await call
        assert refused.value.code == "conversation_not_found"
    assert len(store.kept) == 1


async def test_messages_of_a_conversation() -> None:
    """A conversation that nothing was said in has no messages; otherwise they are those up to its leaf."""
    conversations, store = kept()
    store.said = [Message(id="msg_1", role="user", parts=(TextPart("hi"),), created_at=0)]
    assert await conversations.messages(ANA, "conv_1") == ()
    conversations, store = kept(leaf="msg_1")
    store.said = [Message(id="msg_1", role="user", parts=(TextPart("hi"),), created_at=0)]
    assert [placed.message for placed in await conversations.messages(ANA, "conv_1")] == store.said


async def test_a_message_of_another_conversation_is_no_leaf() -> None:
    """It can neither be chosen nor read up to; what is chosen leads to the end of its branch."""
    conversations, store = kept(leaf="msg_1")
    store.said = [
        Message(id=name, role="user", parts=(TextPart("hi"),), created_at=0, parent_id=parent)
        for name, parent in (("msg_1", None), ("msg_2", "msg_1"))
    ]
    for call in (conversations.choose(ANA, "conv_1", "msg_9"), conversations.messages(ANA, "conv_1", "msg_9")):
        with pytest.raises(Refused, match="message_not_found"):
            await call
    with pytest.raises(Refused, match="conversation_not_found"):
        await conversations.choose(BO, "conv_1", "msg_1")
    assert (await conversations.choose(ANA, "conv_1", "msg_1")).leaf_id == "msg_2"


async def test_a_deleted_conversation_is_gone() -> None:
    """After a delete the conversation is not found."""
    conversations, _ = kept()
    await conversations.delete(ANA, "conv_1")
    with pytest.raises(Refused):
        await conversations.get(ANA, "conv_1")
