"""What users of other limiters reported, as steps that pass here on every ledger. `docs/limits.md` has the list.

Each docstring begins with the project and number of the report. `bench/caps/run.py --only failures` shows those of
packages that can be installed on the packages themselves.
"""

import asyncio
from collections.abc import Mapping

import pytest

from ratelimit import Ask, Held, Limiter, Price, Refused, parse_tiers
from ratelimit.ledger import Full, Ledger, Taken
from tests.contracts.ledgers import START, Wall
from tests.contracts.test_ledger import HOUR, LEASE, at_once, counts, level, messages, request, tokens

MODELS = ("gpt-4", "local")
PRICES = {"gpt-4": Price.of_dollars(input=10, output=30), "local": Price.of_dollars(input=0, output=0)}


class Service:
    """A limiter over the ledger, with one tier."""

    def __init__(self, ledger: Ledger, wall: Wall, lines: Mapping[str, object]) -> None:
        tiers = parse_tiers({"only": lines}, groups={}, models=MODELS, default_tier="only", priced=PRICES)
        self.limiter = Limiter(tiers=lambda: tiers, ledger=ledger, lease_us=LEASE, clock=wall, prices=PRICES)
        self.asked = 0

    async def ask(self, tokens: int = 10, *, answer_tokens: int = 0, hold_id: str = "") -> Held | Refused:
        """Ask for one answer of the expensive model."""
        self.asked += 1
        ask = Ask(
            hold_id=hold_id or f"h{self.asked}",
            subject="ana",
            tier="only",
            model="gpt-4",
            tokens=tokens,
            answer_tokens=answer_tokens,
            usable=lambda _: None,
        )
        return await self.limiter.hold(ask)

    async def used(self) -> dict[str, tuple[int, int]]:
        """Return what is used and held, by cap."""
        return {row.id: (row.used, row.held) for row in (await self.limiter.usage("ana", "only")).rows}


async def test_parallel_calls_share_one_token_budget(ledger: Ledger, wall: Wall) -> None:
    """LiteLLM #18730: five calls at once used 663 tokens of 100 a minute, for each was counted when it had ended."""
    service = Service(ledger, wall, {"gpt-4": "unlimited", "tokens": "100 / 60s"})
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(service.ask(40, hold_id=f"p{number}")) for number in range(5)]
    held = [call.result() for call in calls if isinstance(call.result(), Held)]
    assert len(held) == 2
    for one in held:
        assert isinstance(one, Held)
        await service.limiter.settle(one.hold_id, {"tokens": 40})
    assert await service.used() == {"tokens": (80, 0)}


async def test_a_call_that_timed_out_frees_its_place(ledger: Ledger, wall: Wall) -> None:
    """LiteLLM #20256: after time-outs of the provider a key stayed at its parallel limit until the store was reset."""
    for number in range(3):
        await ledger.take(request(f"h{number}", at_once(3)))
    assert isinstance(await ledger.take(request("more", at_once(3))), Full)
    await ledger.settle("h0", {})
    await ledger.release("h1")
    # The third is told to nobody: whoever held it is gone.
    wall.now += LEASE
    assert await counts(ledger, at_once(3)) == [(0, 0)]


async def test_a_cancelled_stream_frees_its_place_once(ledger: Ledger) -> None:
    """LiteLLM #27955: cancelled streams were never counted down, and others twice."""
    for number in range(20):
        await ledger.take(request(f"h{number}", at_once(1), tokens(10, 1_000)))
        assert await ledger.settle(f"h{number}", {"tokens": 4})
        assert not await ledger.release(f"h{number}")
        assert await counts(ledger, at_once(1), tokens(1, 1_000)) == [(0, 0), (4 * (number + 1), 0)]


async def test_an_estimate_above_the_cap_is_served_once(ledger: Ledger, wall: Wall) -> None:
    """LiteLLM #29193: the first request of all was refused, for its estimate was larger than the whole cap."""
    service = Service(ledger, wall, {"gpt-4": "unlimited", "tokens": "500 / 60s"})
    held = await service.ask(1_024)
    assert isinstance(held, Held)
    assert await service.used() == {"tokens": (0, 500)}
    assert isinstance(await service.ask(1_024), Refused)
    await service.limiter.settle(held.hold_id, {"tokens": 12})
    assert isinstance(await service.ask(1_024), Held)


async def test_refused_calls_use_up_nothing(ledger: Ledger, wall: Wall) -> None:
    """LiteLLM #39309: calls that were refused counted against the limit, so that a client that retried stayed out."""
    service = Service(ledger, wall, {"gpt-4": ["2 messages / 60s", "5 messages / 24h"]})
    for _ in range(2):
        assert isinstance(await service.ask(), Held)
        await service.limiter.settle(f"h{service.asked}", {})
    for _ in range(100):
        wall.now += 500_000
        assert isinstance(await service.ask(), Refused)
    wall.now = START + 60_000_000
    assert isinstance(await service.ask(), Held)
    assert (await service.used())["gpt-4.messages.24h"] == (2, 1)


async def test_a_crash_gives_back_what_was_set_aside(ledger: Ledger, wall: Wall) -> None:
    """new-api #4429: what a request had set aside was gone for good if it panicked, a quarter of the balance."""
    service = Service(ledger, wall, {"gpt-4": "unlimited", "cost": "$4 / 24h"})
    held = await service.ask(100_000)
    assert isinstance(held, Held)
    assert await service.used() == {"cost": (0, 1_000_000)}
    wall.now += LEASE
    assert await service.used() == {"cost": (0, 0)}


async def test_a_disconnect_costs_what_was_produced(ledger: Ledger, wall: Wall) -> None:
    """new-api #5235: who hung up in mid-answer got all of it back, and so used the service for nothing."""
    service = Service(ledger, wall, {"gpt-4": "10 messages / 3h", "tokens": "1000 / 24h"})
    await service.ask(400)
    await service.limiter.renew(["h1"], {"h1": {"tokens": 150}})
    # Nobody is left to say how it ended.
    wall.now += LEASE
    assert await service.used() == {"gpt-4.messages": (0, 0), "tokens": (150, 0)}


async def test_a_balance_is_not_spent_twice(ledger: Ledger, wall: Wall) -> None:
    """new-api #6609: two requests that looked at the balance at the same time both spent it."""
    service = Service(ledger, wall, {"gpt-4": "unlimited", "cost": "$1 / 24h"})
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(service.ask(60_000, hold_id=f"p{number}")) for number in range(30)]
    assert sum(isinstance(call.result(), Held) for call in calls) == 1
    assert await service.used() == {"cost": (0, 600_000)}


async def test_a_retry_is_charged_once(ledger: Ledger, wall: Wall) -> None:
    """new-api #7486: a request that was tried again on another channel was charged for each try."""
    service = Service(ledger, wall, {"gpt-4": "10 messages / 3h", "tokens": "1000 / 24h"})
    for _ in range(3):
        assert isinstance(await service.ask(100, hold_id="one"), Held)
    ends = [await service.limiter.settle("one", {"tokens": 90}) for _ in range(3)]
    assert ends == [True, False, False]
    assert await service.used() == {"gpt-4.messages": (1, 0), "tokens": (90, 0)}


async def test_large_costs_take_little(ledger: Ledger, wall: Wall) -> None:
    """The `limits` package, #268: a moving window of 70,000 a day kept a time for each unit, and read them all."""
    for number in range(300):
        wall.now += 1_000_000
        taken = await ledger.take(request(f"h{number}", tokens(4_000, 70_000_000)))
        assert isinstance(taken, Taken)
        await ledger.settle(f"h{number}", {})
    assert await counts(ledger, tokens(1, 70_000_000)) == [(1_200_000, 0)]
    entries = await ledger.entries("ana|t", window_us=24 * HOUR)
    assert len(entries) <= 256
    assert sum(entry.amount for entry in entries) == 1_200_000


async def test_the_answer_is_charged_too(ledger: Ledger, wall: Wall) -> None:
    """LibreChat #7672: only the prompt was held against the balance, so that answers ran far beyond it."""
    service = Service(ledger, wall, {"gpt-4": "unlimited", "cost": "$1 / 24h"})
    held = await service.ask(50_000, answer_tokens=20_000)
    assert isinstance(held, Held)
    assert await service.used() == {"cost": (0, 30_000 * 10 + 20_000 * 30)}
    assert isinstance(await service.ask(50_000, answer_tokens=20_000), Refused)
    await service.limiter.settle(held.hold_id, {"cost": 1_500_000})
    assert await service.used() == {"cost": (1_500_000, 0)}


async def test_nothing_mints_credit(ledger: Ledger) -> None:
    """LibreChat #2359: a negative price made a balance grow to millions."""
    with pytest.raises(ValueError, match="negative"):
        Price.of_dollars(input=-1, output=0)
    with pytest.raises(ValueError, match="at least one unit"):
        request("h1", tokens(-5, 100))
    await ledger.take(request("h1", tokens(5, 100)))
    with pytest.raises(ValueError, match="less than 0"):
        await ledger.settle("h1", {"tokens": -1_000})
    assert (await level(ledger, tokens(1, 100))).remaining == 95


async def test_a_crowd_erases_nobody(ledger: Ledger) -> None:
    """throttled-py keeps 1,024 keys in memory by default: the 1,025th user erased the cap of the first."""
    await ledger.take(request("first", messages(1)))
    await ledger.settle("first", {})
    for number in range(1_100):
        await ledger.take(request(f"b{number}", messages(1, who=f"user{number}")))
    assert isinstance(await ledger.take(request("again", messages(1))), Full)


async def test_workers_with_other_clocks_share_one_limit(ledger: Ledger, wall: Wall) -> None:
    """pyrate-limiter #116: entries of a worker whose clock was ahead were not counted by the others."""
    wall.now += HOUR
    for number in range(5):
        await ledger.take(request(f"a{number}", messages(5)))
    wall.now -= HOUR
    assert isinstance(await ledger.take(request("b", messages(5))), Full)
