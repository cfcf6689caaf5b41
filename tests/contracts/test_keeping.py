"""What every store promises of conversations that users make, change and search."""

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from server.adapters import search_sql
from server.adapters.conversations_sql import SqlConversations
from server.adapters.keeping_sql import SqlKeeping
from server.adapters.search_sql import SqlSearch
from server.core import searching
from server.core.ports import Conversations, Journal
from server.core.ports_conversations import Change, Keeping
from server.core.ports_search import Search
from server.core.records import Message, TextPart
from server.core.searching import query
from tests.contracts.conftest import Store
from tests.contracts.turn_records import Sink, a_conversation, new_turn, turn_end


@pytest.fixture
def keeping(store: Store) -> Keeping:
    return SqlKeeping(store.base)


@pytest.fixture
def conversations(store: Store) -> Conversations:
    return SqlConversations(store.base)


@pytest.fixture
def search(store: Store, monkeypatch: pytest.MonkeyPatch) -> Search:
    """A search that waits for its index, however slow the machine is."""
    monkeypatch.setattr(search_sql, "PATIENCE", 600.0)
    return SqlSearch(store.base)


def said(*texts: str) -> list[Message]:
    return [
        Message(
            id=f"msg_{text}",
            role="user",
            parts=(TextPart(text),),
            created_at=number,
            parent_id=f"msg_{before}" if before else None,
        )
        for number, (before, text) in enumerate(zip(("", *texts), texts, strict=False))
    ]


async def found(search: Search, text: str, user: str = "user_1") -> list[str]:
    matches = await search.find(user, query(text), after=None, limit=20)
    return [one.message.id if one.message else one.conversation_id for one in matches.items]


async def test_unused_conversations_are_found(keeping: Keeping) -> None:
    """Of all users, those that were last used before a time, so many at once."""
    for name, used in (("1", 10), ("2", 20), ("3", 30)):
        await keeping.create((a_conversation(name, user_id=f"user_{name}", updated_at=used), []))
    assert await keeping.unused(30, 9) == [("conv_1", "user_1"), ("conv_2", "user_2")]
    assert await keeping.unused(30, 1) == [("conv_1", "user_1")]


async def test_a_conversation_is_made_without_a_turn(keeping: Keeping, conversations: Conversations) -> None:
    """It comes back equal, its messages lead to its leaf, and it goes with all of them."""
    made = a_conversation(leaf_id="msg_b", metadata={"a": "1"})
    await keeping.create((made, said("a", "b")))
    assert await conversations.conversation("conv_1", "user_1") == made
    path = await conversations.path("msg_b", "user_1")
    assert [(one.id, one.turn_id) for one in path] == [("msg_a", None), ("msg_b", None)]
    assert await conversations.delete("conv_1", "user_1")
    assert await conversations.messages(["msg_a", "msg_b"], "user_1") == []


async def test_conversations_are_stored_together_or_not_at_all(keeping: Keeping, conversations: Conversations) -> None:
    """One that cannot be stored leaves none of the others."""
    await keeping.create((a_conversation("1"), said("a")))
    with pytest.raises(IntegrityError):
        await keeping.create((a_conversation("2"), said("b")), (a_conversation("3"), said("a")))
    assert [one.id for one in (await conversations.list("user_1", after=None, limit=9)).items] == ["conv_1"]
    await keeping.create((a_conversation("2"), said("b")), (a_conversation("3"), []))
    assert len((await conversations.list("user_1", after=None, limit=9)).items) == 3


async def test_messages_are_added_behind_the_leaf(keeping: Keeping, conversations: Conversations) -> None:
    """The leaf moves to the last of them; another user adds nothing."""
    await keeping.create((a_conversation(leaf_id="msg_a"), said("a")))
    assert await keeping.add("conv_1", "user_2", said("x"), 5) == ()
    added = await keeping.add("conv_1", "user_1", said("b", "c"), 5)
    assert [one.parent_id for one in added] == ["msg_a", "msg_b"]
    now = await conversations.conversation("conv_1", "user_1")
    assert now is not None
    assert (now.leaf_id, now.updated_at) == ("msg_c", 5)
    assert len(await conversations.path("msg_c", "user_1")) == 3


async def test_a_conversation_is_marked_and_put_away(keeping: Keeping, conversations: Conversations) -> None:
    """What is put away is listed apart, and comes back; metadata is replaced; use is not touched."""
    await keeping.create((a_conversation(), []))
    assert await keeping.change("conv_1", "user_1", Change(metadata={"a": "2"}, archived=True), 7)
    assert not await keeping.change("conv_1", "user_2", Change(archived=False), 7)
    (away,) = (await conversations.list("user_1", after=None, limit=9, archived=True)).items
    assert (away.archived_at, away.metadata, away.updated_at) == (7, {"a": "2"}, 1_000)
    assert not (await conversations.list("user_1", after=None, limit=9)).items
    assert await keeping.change("conv_1", "user_1", Change(archived=False), 8)
    assert len((await conversations.list("user_1", after=None, limit=9)).items) == 1


async def test_words_are_found_in_messages_and_titles(keeping: Keeping, search: Search) -> None:
    """All words have to be in one place; the last may go on; nobody finds another user's."""
    await keeping.create(
        (a_conversation(leaf_id="msg_b", title="Weather talk"), said("The rain in Spain", "Caf\u00e9 \u5929\u6c14"))
    )
    assert await found(search, "spain RAIN") == ["msg_The rain in Spain"]
    assert await found(search, '"rain in sp') == ["msg_The rain in Spain"]
    assert await found(search, '"in rain" ') == []
    assert await found(search, "cafe") == ["msg_Caf\u00e9 \u5929\u6c14"]
    assert await found(search, "\u6c14") == ["msg_Caf\u00e9 \u5929\u6c14"]
    assert await found(search, "weath") == ["conv_1"]
    assert await found(search, "rain", user="user_2") == []


async def test_what_was_said_since_is_found(
    keeping: Keeping, search: Search, journal: Journal, conversations: Conversations
) -> None:
    """A search after a turn's end, an addition or another title knows of it, and of nothing that was deleted."""
    log = await journal.begin(new := new_turn(conversation=a_conversation()), Sink())
    await log.end(turn_end(new.turn, "Umbrellas"))
    assert await found(search, "umbrellas") == ["msg_reply_1"]
    await keeping.add("conv_1", "user_1", said("galoshes"), 9_000)
    assert await found(search, "galosh") == ["msg_galoshes"]
    await conversations.rename("conv_1", "user_1", "Mackintosh", 10_000)
    assert await found(search, "mackintosh") == ["conv_1"]
    assert await found(search, "first words ") == []
    await conversations.delete("conv_1", "user_1")
    assert await found(search, "umbrellas") == []


async def test_matches_come_in_pages(keeping: Keeping, search: Search) -> None:
    """The newest come first, and each page says where the next one goes on."""
    await keeping.create((a_conversation(title="", leaf_id="msg_c d"), said("a d", "b d", "c d")))
    first = await search.find("user_1", query("d"), after=None, limit=2)
    assert ([one.message and one.message.id for one in first.items], first.more) == (["msg_c d", "msg_b d"], True)
    second = await search.find("user_1", query("d"), after=first.items[-1].place, limit=2)
    assert ([one.message and one.message.id for one in second.items], second.more) == (["msg_a d"], False)


async def test_a_long_talk_is_found_whole(keeping: Keeping, search: Search) -> None:
    """However much is indexed at a time, every message is on exactly one page, the newest first."""
    texts = [f"rain {number}" for number in range(450)]
    await keeping.create((a_conversation(title="Rain", leaf_id="msg_rain 449", created_at=0), said(*texts)))
    shown: list[str] = []
    after: str | None = None
    more = True
    while more:
        page = await search.find("user_1", query("rain"), after=after, limit=100)
        shown += [one.message.text if one.message else one.title for one in page.items]
        after, more = page.items[-1].place, page.more
    assert len(shown) == 451
    assert [text for text in shown if text != "Rain"] == texts[::-1]


async def test_a_message_of_many_long_words_hides_no_other(keeping: Keeping, search: Search) -> None:
    """Its first words are found, and so is what was said beside it."""
    long = " ".join(f"{number:064}" for number in range(18_000))
    first, second = said("hello", "long")
    second = msgspec.structs.replace(second, parts=(TextPart(long),))
    await keeping.create((a_conversation(leaf_id="msg_long"), [first, second]))
    assert await found(search, "hello") == ["msg_hello"]
    assert await found(search, f"{7:064} ") == ["msg_long"]


async def test_words_that_the_index_does_not_take_hide_no_other(
    keeping: Keeping, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a database refuses to index, the rest is found."""
    monkeypatch.setattr(searching, "MOST_BYTES", 10_000_000)
    long = " ".join(f"{number:064}" for number in range(18_000))
    first, second = said("hello", "long")
    second = msgspec.structs.replace(second, parts=(TextPart(long),))
    await keeping.create((a_conversation(leaf_id="msg_long"), [first, second]))
    assert await found(search, "hello") == ["msg_hello"]


@pytest.mark.parametrize("after", ["", "7", "x.y", "9" * 20, "9" * 5000, "1.\u0663", f"{'9' * 18}.{'9' * 19}"])
async def test_after_an_unknown_place_is_nothing(keeping: Keeping, search: Search, after: str) -> None:
    """What no page said has nothing after it."""
    await keeping.create((a_conversation(leaf_id="msg_rain"), said("rain")))
    assert (await search.find("user_1", query("rain"), after=after, limit=5)).items == []
