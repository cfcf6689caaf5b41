"""What every store of conversations promises."""

from dataclasses import replace

import pytest

from server.adapters.conversations_sql import SqlConversations
from server.adapters.turns_sql import SqlTurns
from server.core.ports import Conversations, Journal, Standing, TurnLog
from server.core.records import Conversation
from tests.contracts.conftest import Store
from tests.contracts.turn_records import Sink, a_conversation, a_turn, new_turn, turn_end


@pytest.fixture
def conversations(store: Store) -> Conversations:
    return SqlConversations(store.base)


async def begin(journal: Journal, name: str, conversation: Conversation) -> TurnLog:
    return await journal.begin(new_turn(name, conversation=conversation), Sink())


async def test_a_conversation_is_stored_with_its_first_turn(journal: Journal, conversations: Conversations) -> None:
    """It comes back equal."""
    conversation = a_conversation(
        persona="pirate", revision=3, greeting=0, leaf_id="msg_0", metadata={"topic": "sea"}, archived_at=7
    )
    await begin(journal, "1", conversation)
    assert await conversations.conversation("conv_1", "user_1") == conversation


async def test_the_end_of_a_turn_moves_the_leaf(journal: Journal, conversations: Conversations) -> None:
    """The next turn answers to the reply, and the conversation has been used."""
    log = await begin(journal, "1", a_conversation())
    await log.end(turn_end(a_turn("1", conversation_id="conv_1"), "hello"))
    found = await conversations.conversation("conv_1", "user_1")
    assert found == a_conversation(leaf_id="msg_reply_1", updated_at=2_000)


async def test_without_a_reply_the_leaf_is_the_question(journal: Journal, conversations: Conversations) -> None:
    """What the user said is not lost when nothing was answered."""
    log = await begin(journal, "1", a_conversation())
    await log.end(turn_end(a_turn("1", conversation_id="conv_1")))
    found = await conversations.conversation("conv_1", "user_1")
    assert found is not None
    assert found.leaf_id == "msg_ask_1"


async def test_a_fork_does_not_move_the_leaf(journal: Journal, conversations: Conversations) -> None:
    """A turn beside the current line counts as use and changes nothing else."""
    log = await begin(journal, "1", a_conversation(leaf_id="msg_0"))
    await log.end(replace(turn_end(a_turn("1", conversation_id="conv_1"), "hello"), moves_leaf=False))
    found = await conversations.conversation("conv_1", "user_1")
    assert found == a_conversation(leaf_id="msg_0", updated_at=2_000)


async def test_a_path_leads_from_the_root_to_the_leaf(journal: Journal, conversations: Conversations) -> None:
    """Of a tree with two branches, only the one that leads to the leaf, oldest first."""
    log = await begin(journal, "1", a_conversation())
    await log.end(turn_end(a_turn("1", conversation_id="conv_1"), "first answer"))
    for name in ("2", "3"):
        new = new_turn(name, conversation_id="conv_1", parent_id="msg_reply_1")
        log = await journal.begin(new, Sink())
        await log.end(turn_end(new.turn, f"answer {name}"))
    path = await conversations.path("msg_reply_2", "user_1")
    assert [message.id for message in path] == ["msg_ask_1", "msg_reply_1", "msg_ask_2", "msg_reply_2"]
    assert [message.text for message in path] == ["question 1", "first answer", "question 2", "answer 2"]
    assert [message.turn_id for message in path] == ["resp_1", "resp_1", "resp_2", "resp_2"]


async def test_messages_that_came_together_are_all_on_the_path(journal: Journal, conversations: Conversations) -> None:
    """A turn may bring several messages; each answers to the one before it."""
    await journal.begin(new_turn(input_ids=("msg_a", "msg_b", "msg_c")), Sink())
    assert [message.id for message in await conversations.path("msg_c", "user_1")] == ["msg_a", "msg_b", "msg_c"]


async def test_a_tree_has_every_branch(journal: Journal, conversations: Conversations) -> None:
    """The place of each message: of edited ones, and of second answers, which bring no message of their own."""
    log = await begin(journal, "1", a_conversation())
    await log.end(turn_end(a_turn("1", conversation_id="conv_1"), "first answer"))
    again = new_turn("2", conversation_id="conv_1", parent_id="msg_ask_1", input_ids=())
    log = await journal.begin(again, Sink())
    await log.end(turn_end(again.turn, "second answer"))
    await journal.begin(new_turn("3", conversation_id="conv_1"), Sink())
    await begin(journal, "4", a_conversation("2"))
    assert {node.id: (node.parent_id, node.created_at) for node in await conversations.tree("conv_1", "user_1")} == {
        "msg_ask_1": (None, 1_000),
        "msg_reply_1": ("msg_ask_1", 2_000),
        "msg_reply_2": ("msg_ask_1", 2_000),
        "msg_ask_3": (None, 1_000),
    }
    assert await conversations.tree("conv_1", "user_2") == []
    found = await conversations.conversation("conv_1", "user_1")
    assert found is not None
    assert found.leaf_id == "msg_reply_2"
    assert [one.text for one in await conversations.path("msg_reply_2", "user_1")] == ["question 1", "second answer"]


async def test_a_second_answer_that_says_nothing_moves_no_leaf(journal: Journal, conversations: Conversations) -> None:
    """The conversation stays at the answer that it has."""
    log = await begin(journal, "1", a_conversation())
    await log.end(turn_end(a_turn("1", conversation_id="conv_1"), "first answer"))
    again = new_turn("2", conversation_id="conv_1", parent_id="msg_ask_1", input_ids=())
    log = await journal.begin(again, Sink())
    await log.end(turn_end(again.turn))
    found = await conversations.conversation("conv_1", "user_1")
    assert found is not None
    assert found.leaf_id == "msg_reply_1"


async def test_a_leaf_is_chosen(journal: Journal, conversations: Conversations) -> None:
    """The next turn goes on from there; choosing is not using."""
    await begin(journal, "1", a_conversation())
    assert await conversations.choose("conv_1", "user_1", "msg_ask_1") == a_conversation(leaf_id="msg_ask_1")
    assert await conversations.conversation("conv_1", "user_1") == a_conversation(leaf_id="msg_ask_1")
    assert await conversations.choose("conv_1", "user_2", "msg_0") is None
    assert await conversations.conversation("conv_1", "user_1") == a_conversation(leaf_id="msg_ask_1")


async def test_deleting_leaves_no_branch(store: Store, journal: Journal, conversations: Conversations) -> None:
    """Second answers and forks go with the rest."""
    log = await begin(journal, "1", a_conversation())
    await log.end(turn_end(a_turn("1", conversation_id="conv_1"), "first answer"))
    again = new_turn("2", conversation_id="conv_1", parent_id="msg_ask_1", input_ids=())
    log = await journal.begin(again, Sink())
    await log.end(turn_end(again.turn, "second answer"))
    assert await conversations.delete("conv_1", "user_1")
    assert await store.rows("SELECT id FROM messages") == []
    assert await store.rows("SELECT id FROM turns") == []


async def test_messages_by_their_ids(journal: Journal, conversations: Conversations) -> None:
    """Those of the user, in the order in which they are asked for."""
    await journal.begin(new_turn("1", input_ids=("msg_a", "msg_b")), Sink())
    found = await conversations.messages(["msg_b", "msg_none", "msg_a"], "user_1")
    assert [message.id for message in found] == ["msg_b", "msg_a"]
    assert await conversations.messages(["msg_a"], "user_2") == []
    assert await conversations.messages([], "user_1") == []


async def test_how_conversations_stand(journal: Journal, conversations: Conversations) -> None:
    """Each that is there as it is stored, with what runs in it and what has ended lately, oldest first."""
    log = await begin(journal, "1", a_conversation(leaf_id="msg_0"))
    for name, at in (("3", 1_002), ("2", 1_001)):
        await journal.begin(new_turn(name, conversation_id="conv_1", created_at=at), Sink())
    await begin(journal, "4", a_conversation("2"))
    await log.end(turn_end(a_turn("1", conversation_id="conv_1"), "hello"))
    found = await conversations.standings(["conv_1", "conv_2", "conv_none"], 2_000)
    assert found == {
        "conv_1": Standing(
            conversation=a_conversation(leaf_id="msg_reply_1", updated_at=2_000),
            running=["resp_2", "resp_3"],
            ended=["resp_1"],
        ),
        "conv_2": Standing(conversation=a_conversation("2"), running=["resp_4"], ended=[]),
    }
    assert (await conversations.standings(["conv_1"], 2_001))["conv_1"].ended == []
    assert await conversations.standings([], 0) == {}


async def test_another_users_conversation_does_not_exist(journal: Journal, conversations: Conversations) -> None:
    """It cannot be read, listed, followed, renamed or deleted."""
    await begin(journal, "1", a_conversation())
    assert await conversations.conversation("conv_1", "user_2") is None
    assert (await conversations.list("user_2", after=None, limit=10)).items == []
    assert (await conversations.list("user_2", after="conv_1", limit=10)).items == []
    assert await conversations.path("msg_ask_1", "user_2") == []
    assert await conversations.rename("conv_1", "user_2", "mine now", 9) is None
    assert not await conversations.delete("conv_1", "user_2")
    assert await conversations.conversation("conv_1", "user_1") == a_conversation()


async def test_a_list_is_paged_newest_first(journal: Journal, conversations: Conversations) -> None:
    """Every conversation is on exactly one page, also those last used in the same moment."""
    for name, used in (("a", 5), ("b", 7), ("c", 7), ("d", 7), ("e", 6)):
        await begin(journal, name, a_conversation(name, updated_at=used))
    pages: list[list[str]] = []
    after: str | None = None
    more = True
    while more:
        page = await conversations.list("user_1", after=after, limit=2)
        pages.append([item.id for item in page.items])
        after, more = page.items[-1].id, page.more
    assert pages == [["conv_d", "conv_c"], ["conv_b", "conv_e"], ["conv_a"]]


async def test_a_list_after_something_unknown_is_empty(journal: Journal, conversations: Conversations) -> None:
    """An id that is not there has nothing after it."""
    await begin(journal, "1", a_conversation())
    page = await conversations.list("user_1", after="conv_none", limit=5)
    assert (page.items, page.more) == ([], False)


async def test_a_conversation_can_be_renamed(journal: Journal, conversations: Conversations) -> None:
    """The new title is there at once."""
    await begin(journal, "1", a_conversation())
    renamed = await conversations.rename("conv_1", "user_1", "New", 3_000)
    assert renamed == a_conversation(title="New", updated_at=3_000)
    assert await conversations.conversation("conv_1", "user_1") == renamed


async def test_deleting_leaves_nothing_but_usage(store: Store, journal: Journal, conversations: Conversations) -> None:
    """Messages and turns go with the conversation; what was charged stays."""
    log = await begin(journal, "1", a_conversation())
    await log.end(turn_end(a_turn("1", conversation_id="conv_1"), "hello"))
    await begin(journal, "2", a_conversation("2"))
    assert await conversations.delete("conv_1", "user_1")
    turns = SqlTurns(store.base)
    assert await conversations.conversation("conv_1", "user_1") is None
    assert await conversations.path("msg_reply_1", "user_1") == []
    assert await turns.turn("resp_1", "user_1") is None
    assert len(await turns.usage_rows("user_1", 0)) == 1
    assert await conversations.path("msg_ask_2", "user_1") != []
    assert not await conversations.delete("conv_1", "user_1")


async def test_a_turn_that_runs_while_its_conversation_is_deleted_ends_and_is_charged(
    store: Store, journal: Journal, conversations: Conversations
) -> None:
    """Nobody sees it any more, its usage is written, and it is forgotten as soon as it has ended."""
    log = await begin(journal, "1", a_conversation())
    assert await conversations.delete("conv_1", "user_1")
    turns = SqlTurns(store.base)
    assert await turns.turn("resp_1", "user_1") is None
    assert await turns.forget(1, 10) == 0
    await log.end(turn_end(a_turn("1", conversation_id="conv_1"), "hello"))
    assert len(await turns.usage_rows("user_1", 0)) == 1
    assert await turns.turn("resp_1", "user_1") is None
    assert await turns.forget(1, 10) == 1
    assert await conversations.path("msg_reply_1", "user_1") == []


async def test_a_turn_that_begins_in_a_deleted_conversation_is_forgotten(store: Store, journal: Journal) -> None:
    """Its conversation was there when the turn was accepted and is gone when it is stored: nothing of it is kept."""
    log = await journal.begin(new_turn(conversation_id="conv_gone"), Sink())
    await log.end(turn_end(a_turn(conversation_id="conv_gone"), "hello"))
    assert await store.rows("SELECT status, keep_until FROM turns") == [("completed", 0)]
