"""What every store of turns promises."""

import asyncio
from dataclasses import replace

import pytest

from server.adapters.turns_sql import SqlTurns
from server.core import items, trail
from server.core.ports import Journal, NewTurn, TurnEnd, Turns
from server.core.ports_operator import AnyonesTurns
from server.core.records import Message, Outcome, Prompt, Sampling, ServedBy, TextPart, TurnStatus, Usage
from tests.contracts.conftest import Store
from tests.contracts.turn_records import OPENED, Sink, new_turn, said, turn_end, usage_of


@pytest.fixture
def turns(store: Store) -> Turns:
    return SqlTurns(store.base)


async def ended(journal: Journal, new: NewTurn, *texts: str, end: TurnEnd | None = None) -> None:
    log = await journal.begin(new, Sink())
    await log.end(end or turn_end(new.turn, *texts))


async def test_a_running_turn_is_found_with_all_its_facts(journal: Journal, turns: Turns) -> None:
    """What was accepted comes back equal, and has no outcome yet."""
    new = new_turn(
        prompt=Prompt(dials={"tone": "dry"}, notes="Be \u00e9xact.\n", user_name="Ada", greeting=2),
        sampling=Sampling(temperature=0.5, stop=("\n\n",)),
        served_by=ServedBy("gpt-4", "gpt-4-mini", "caps", back_at=9),
        echo={"metadata": {"a": "1"}, "n": [1, None, 2.5]},
        client_request_id="req",
        body_digest="abc",
        store=False,
    )
    await journal.begin(new, Sink())
    found = await turns.turn("resp_1", "user_1")
    assert found is not None
    assert (found.turn, found.outcome, found.reply, found.trail) == (new.turn, None, None, b"")


async def test_operators_find_the_turns_of_anyone(journal: Journal, store: Store) -> None:
    """A turn is found without its user, and one that does not exist is not."""
    new = new_turn(user_id="somebody")
    await journal.begin(new, Sink())
    everyones: AnyonesTurns = SqlTurns(store.base)
    found = await everyones.of_anyone("resp_1")
    assert found is not None
    assert found.turn == new.turn
    assert await everyones.of_anyone("resp_2") is None


async def test_an_ended_turn_can_be_replayed(journal: Journal, turns: Turns) -> None:
    """Reply, outcome and trail come back, and give the log again."""
    new = new_turn()
    end = turn_end(new.turn, "Hel", "lo \U0001f600", "\x00 ")
    await ended(journal, new, end=end)
    found = await turns.turn("resp_1", "user_1")
    assert found is not None
    assert (found.outcome, found.reply) == (end.outcome, end.reply)
    assert found.reply is not None
    log = trail.Kept(found.trail, items.texts(found.reply)).events
    assert log == trail.joined([OPENED, *said("1", "Hel", "lo \U0001f600", "\x00 "), *end.events])


async def test_a_turn_without_a_reply_has_ended_all_the_same(journal: Journal, turns: Turns) -> None:
    """Nothing produced means no message, and an outcome that says why."""
    new = new_turn()
    outcome = Outcome(status=TurnStatus.FAILED, error_code="upstream_timeout", error_message="m", ended_at=5)
    await ended(journal, new, end=replace(turn_end(new.turn), outcome=outcome))
    found = await turns.turn("resp_1", "user_1")
    assert found is not None
    assert (found.reply, found.outcome) == (None, outcome)


@pytest.mark.parametrize("at_once", [True, False], ids=["in one commit", "one after the other"])
async def test_the_first_end_counts(journal: Journal, turns: Turns, *, at_once: bool) -> None:
    """An end may be tried again; the second one changes neither the reply nor what was charged."""
    new = new_turn()
    log = await journal.begin(new, Sink())
    first, second = log.end(turn_end(new.turn, "first")), log.end(turn_end(new.turn, "second", "time"))
    if at_once:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(first)
            tasks.create_task(second)
    else:
        await first
        await second
    found = await turns.turn("resp_1", "user_1")
    assert found is not None
    assert found.reply is not None
    assert found.reply.text == "first"
    assert [row.usage.output_tokens for row in await turns.usage_rows("user_1", 0)] == [1]


async def test_a_turn_belongs_to_its_user(journal: Journal, turns: Turns) -> None:
    """Another user's turn is as one that does not exist, by id and by request id."""
    await journal.begin(new_turn(client_request_id="req"), Sink())
    assert await turns.turn("resp_1", "user_2") is None
    assert await turns.by_request("user_2", "req") is None
    assert await turns.turn("resp_2", "user_1") is None


async def test_a_turn_is_found_by_its_request_id(journal: Journal, turns: Turns) -> None:
    """The id that the client chose leads to the turn it made."""
    new = new_turn(client_request_id="req")
    await journal.begin(new, Sink())
    found = await turns.by_request("user_1", "req")
    assert found is not None
    assert found.turn == new.turn
    assert await turns.by_request("user_1", "other") is None


async def test_usage_comes_back_as_it_was_written(journal: Journal, turns: Turns) -> None:
    """A usage row keeps every figure."""
    new = new_turn()
    usage = Usage(input_tokens=7, output_tokens=5, cached_tokens=3, reasoning_tokens=2, estimated=True)
    row = usage_of(new.turn, Outcome(status=TurnStatus.CANCELLED, usage=usage, ended_at=9), charged={"tokens": 12})
    await ended(journal, new, end=replace(turn_end(new.turn, "x"), usage=row))
    assert await turns.usage_rows("user_1", 9) == [row]


async def test_usage_is_listed_from_a_time_on_oldest_first(journal: Journal, turns: Turns) -> None:
    """Only what ended at or after the time, and only the user's."""
    for name, at, user in (("a", 30, "user_1"), ("b", 10, "user_1"), ("c", 20, "user_1"), ("d", 20, "user_2")):
        new = new_turn(name, user_id=user)
        end = turn_end(new.turn, "x")
        await ended(journal, new, end=replace(end, usage=replace(end.usage, ended_at=at)))
    assert [row.turn_id for row in await turns.usage_rows("user_1", 20)] == ["resp_c", "resp_a"]


async def test_unlisted_turns_are_forgotten_when_their_time_has_passed(journal: Journal, turns: Turns) -> None:
    """The turn goes with its messages; what it cost stays; others stay."""
    new = new_turn("1")
    await ended(journal, new, end=replace(turn_end(new.turn, "x"), keep_until=100))
    await ended(journal, new_turn("2"), "y")
    assert await turns.forget(99, 10) == 0
    assert await turns.forget(100, 10) == 1
    assert await turns.turn("resp_1", "user_1") is None
    assert await turns.turn("resp_2", "user_1") is not None
    assert len(await turns.usage_rows("user_1", 0)) == 2


async def test_forgetting_is_done_in_small_steps(journal: Journal, turns: Turns) -> None:
    """No more than the limit at once, those first whose time passed first."""
    for name, until in (("a", 30), ("b", 10), ("c", 20)):
        new = new_turn(name)
        await ended(journal, new, end=replace(turn_end(new.turn, "x"), keep_until=until))
    assert await turns.forget(50, 2) == 2
    assert await turns.turn("resp_a", "user_1") is not None
    assert await turns.forget(50, 2) == 1


async def test_a_turn_that_a_later_one_continues_is_kept(journal: Journal, turns: Turns) -> None:
    """What a kept turn answers to is not forgotten before it."""
    first = new_turn("1")
    await ended(journal, first, end=replace(turn_end(first.turn, "x"), keep_until=10))
    second = new_turn("2", parent_id="msg_reply_1", previous_id="resp_1")
    await ended(journal, second, end=replace(turn_end(second.turn, "y"), keep_until=20))
    assert await turns.forget(15, 10) == 0
    assert await turns.forget(25, 10) == 1
    assert await turns.forget(25, 10) == 1


async def test_a_forgotten_request_id_may_be_used_again(journal: Journal, turns: Turns) -> None:
    """Forgetting a turn frees its request id."""
    new = new_turn("1", client_request_id="req")
    await ended(journal, new, end=replace(turn_end(new.turn, "x"), keep_until=10))
    await turns.forget(10, 10)
    await journal.begin(new_turn("2", client_request_id="req"), Sink())


async def test_text_is_sacred(journal: Journal, turns: Turns) -> None:
    """Text comes back byte for byte: spaces, line ends, NUL and all."""
    new = new_turn()
    text = "  \r\n\ttrailing \u2028\u0000\U0001f468\u200d\U0001f469\ufeff\n "
    reply = Message(id="msg_reply_1", role="assistant", parts=(TextPart(text),), created_at=1, turn_id="resp_1")
    await ended(journal, new, end=replace(turn_end(new.turn, "x"), reply=reply))
    found = await turns.turn("resp_1", "user_1")
    assert found is not None
    assert found.reply == reply


async def test_what_a_turn_cost_is_unsettled_until_it_is_noted(store: Store, journal: Journal) -> None:
    """Usage rows are given, oldest first, until the ledger is noted to have been told; what held nothing is never."""
    turns = SqlTurns(store.base)
    for name, ended_at, hold_id in (("1", 3_000, "hold_1"), ("2", 2_000, "hold_2"), ("3", 1_000, "")):
        new = new_turn(name, hold_id=hold_id)
        log = await journal.begin(new, Sink())
        end = turn_end(new.turn, "hello")
        await log.end(replace(end, usage=replace(end.usage, ended_at=ended_at)))
    assert [row.turn_id for row in await turns.unsettled(9_000, 10)] == ["resp_2", "resp_1"]
    assert [row.turn_id for row in await turns.unsettled(9_000, 1)] == ["resp_2"]
    assert [row.hold_id for row in await turns.unsettled(3_000, 10)] == ["hold_2"]
    first, second = await turns.unsettled(9_000, 10)
    assert await turns.unsettled(9_000, 10, first) == [second]
    assert await turns.unsettled(9_000, 10, second) == []
    await turns.settled(["resp_2", "resp_none"], 5_000)
    assert [row.charged for row in await turns.unsettled(9_000, 10)] == [{"messages": 1, "tokens": 5}]
    await turns.settled(["resp_1", "resp_2"], 6_000)
    assert await turns.unsettled(9_000, 10) == []
