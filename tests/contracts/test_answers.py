"""What every store of answers promises to their users."""

from typing import Any

import pytest

from server.adapters.answers_sql import SqlAnswers
from server.adapters.conversations_sql import SqlConversations
from server.adapters.turns_sql import SqlTurns
from server.core.ports import Journal, NewTurn
from server.core.ports_stored import CompletionPage, StoredAnswers
from tests.contracts.conftest import Store
from tests.contracts.turn_records import Sink, a_conversation, new_turn, turn_end


@pytest.fixture
def answers(store: Store) -> StoredAnswers:
    return SqlAnswers(store.base)


async def ended(journal: Journal, new: NewTurn) -> None:
    log = await journal.begin(new, Sink())
    await log.end(turn_end(new.turn, "Hello"))


async def completed(journal: Journal, name: str, at: int, **fields: Any) -> None:
    made: dict[str, Any] = {"door": "chat-http", "store": True, "created_at": at, **fields}
    await ended(journal, new_turn(name, **made))


async def page(answers: StoredAnswers, **asked: Any) -> CompletionPage:
    wanted: dict[str, Any] = {"after": None, "limit": 2, "newest_first": False, "model": None, "marks": {}, **asked}
    return await answers.completions("user_1", **wanted)


def names(found: CompletionPage) -> list[str]:
    return [one.turn.id.removeprefix("resp_") for one in found.items]


async def test_stored_completions_are_listed_by_age(journal: Journal, answers: StoredAnswers) -> None:
    """Only completions that were to be stored and have ended are listed, of one user, in pages, in either order."""
    for number in (1, 2, 3):
        await completed(journal, str(number), number * 10)
    await completed(journal, "unstored", 5, store=False)
    await completed(journal, "response", 6, door="responses-http")
    await completed(journal, "other", 7, user_id="user_2")
    await journal.begin(new_turn("running", door="chat-ws", created_at=8), Sink())
    first = await page(answers)
    assert (names(first), first.more) == (["1", "2"], True)
    second = await page(answers, after="resp_2")
    assert (names(second), second.more) == (["3"], False)
    newest = await page(answers, newest_first=True)
    assert (names(newest), newest.more) == (["3", "2"], True)
    assert names(await page(answers, newest_first=True, after="resp_2")) == ["1"]


async def test_completions_are_found_by_model_and_marks(journal: Journal, answers: StoredAnswers) -> None:
    """A model and pairs of metadata leave out what has others; marks can be changed later."""
    await completed(journal, "1", 10, echo={"metadata": {"a": "1", "b": "2"}})
    await completed(journal, "2", 20, model="other")
    assert names(await page(answers, marks={"a": "1"})) == ["1"]
    assert names(await page(answers, model="other")) == ["2"]
    assert not names(await page(answers, model="other", marks={"a": "1"}))
    assert await answers.mark("resp_2", "user_1", {"a": "1"})
    assert names(await page(answers, marks={"a": "1"})) == ["1", "2"]
    assert not await answers.mark("resp_2", "user_2", {})
    assert not await answers.mark("resp_9", "user_1", {})


async def test_a_deleted_answer_is_shown_no_more(journal: Journal, answers: StoredAnswers, store: Store) -> None:
    """It is neither found nor listed, goes with its messages when turns are forgotten, and its request id is free."""
    turns = SqlTurns(store.base)
    await completed(journal, "1", 10, client_request_id="again")
    assert not await answers.delete("resp_1", "user_2")
    assert await answers.delete("resp_1", "user_1")
    assert not await answers.delete("resp_1", "user_1")
    assert await turns.turn("resp_1", "user_1") is None
    assert not names(await page(answers))
    await completed(journal, "2", 20, client_request_id="again")
    assert await turns.forget(1, 10) == 1
    assert await store.rows("SELECT id FROM messages WHERE turn_id = 'resp_1'") == []


async def test_a_running_answer_that_is_deleted_ends(journal: Journal, answers: StoredAnswers, store: Store) -> None:
    """Its end is written and charged, and nobody is shown it."""
    new = new_turn(door="chat-http")
    log = await journal.begin(new, Sink())
    assert await answers.delete("resp_1", "user_1")
    await log.end(turn_end(new.turn, "Hello"))
    assert await SqlTurns(store.base).turn("resp_1", "user_1") is None
    assert await store.rows("SELECT turn_id FROM usage") == [("resp_1",)]


async def test_a_conversation_keeps_what_was_said(journal: Journal, answers: StoredAnswers, store: Store) -> None:
    """Messages of a deleted answer stay in its conversation until the conversation goes."""
    turns, conversations = SqlTurns(store.base), SqlConversations(store.base)
    await ended(journal, new_turn("1", conversation=a_conversation()))
    assert await answers.delete("resp_1", "user_1")
    assert await turns.forget(10**18, 10) == 0
    assert len(await conversations.path("msg_reply_1", "user_1")) == 2
    assert await conversations.delete("conv_1", "user_1")
    assert await store.rows("SELECT id FROM messages") == []
