"""Requests that wait a few seconds for room."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from ratelimit import waiting
from ratelimit.limiter import Ask, Held, Refused
from ratelimit.waiting import WaitingLimiter
from tests.unit.ratelimit.house import START, House

WAITS: Mapping[str, Any] = {
    "one": {"gpt-4": "9 messages / 3h", "at_once": 1, "when_capped": "wait"},
    "short": {"gpt-4": "1 message / 5s", "when_capped": "wait"},
    "hasty": {"gpt-4": "9 messages / 3h", "at_once": 1},
}


class Street:
    """A house before which requests wait; who waits is told their positions."""

    def __init__(self, patience: float = 60.0, everyone: Mapping[str, object] | None = None) -> None:
        self.house = House(WAITS, everyone=everyone)
        self.limiter = WaitingLimiter(limiter=self.house.limiter, tiers=self.house.limiter._tiers, patience=patience)
        self.told: dict[str, list[int]] = {}
        self.served: list[str] = []

    async def ask(self, name: str, tier: str = "one", **more: Any) -> Held | Refused:
        """Ask under a name, whose first letter is the user's."""
        answer = await self.limiter.hold(
            Ask(
                hold_id=name,
                subject=name[0],
                tier=tier,
                model="gpt-4",
                tokens=1,
                usable=lambda _: None,
                waiting=self.told.setdefault(name, []).append,
                **more,
            )
        )
        if isinstance(answer, Held):
            self.served.append(name)
        return answer


async def quiet() -> None:
    """Let everything run that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_request_waits_for_the_place_of_another() -> None:
    """It is served when one ends, is charged once, and was told its position."""
    street = Street()
    first = await street.ask("a1")
    assert isinstance(first, Held)
    second = asyncio.create_task(street.ask("a2"))
    await quiet()
    assert (second.done(), street.told["a2"]) == (False, [1])
    await street.limiter.settle(first.hold_id, {"messages": 1})
    held = await second
    assert isinstance(held, Held)
    await street.limiter.release(held.hold_id)
    (row,) = [one for one in (await street.limiter.usage("a", "one")).rows if one.unit == "messages"]
    assert (row.used, row.held) == (1, 0)


async def test_users_take_turns() -> None:
    """Whoever asks often waits behind those who ask once, and sees the queue move."""
    street = Street(everyone={"at_once": 1})
    held = [await street.ask("z1")]
    asking = []
    for name in ("a1", "a2", "a3", "b1", "c1"):
        asking.append(asyncio.create_task(street.ask(name, "hasty", prefer="wait")))
        await quiet()
    while len(street.served) < 6:
        last = held[-1]
        assert isinstance(last, Held)
        await street.limiter.settle(last.hold_id, {})
        await quiet()
        held.append(next(one.result() for one in asking if one.done() and one.result() not in held))
    assert street.served == ["z1", "a1", "b1", "c1", "a2", "a3"]
    assert street.told["a3"] == [3, 4, 5, 4, 3, 2, 1]
    assert street.told["c1"] == [3, 2, 1]


async def test_a_cap_that_frees_in_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first tries again now and then, since nobody tells that time has passed."""
    monkeypatch.setattr(waiting, "POLL", 0.001)
    street = Street(patience=8.0)
    first = await street.ask("a1", "short")
    assert isinstance(first, Held)
    await street.limiter.settle(first.hold_id, {})
    second = asyncio.create_task(street.ask("a2", "short"))
    await quiet()
    street.house.now = START + 5_000_000
    assert isinstance(await second, Held)


async def test_patience_ends() -> None:
    """Who waited long enough is refused as without waiting, and charged nothing."""
    street = Street(patience=0.01)
    held = await street.ask("a1")
    assert isinstance(held, Held)
    refused = await street.ask("a2")
    assert isinstance(refused, Refused)
    assert (refused.code, street.told["a2"]) == ("too_many_at_once", [1])
    assert (await street.limiter.usage("a", "one")).rows[0].held == 1
    assert not street.limiter._queues


async def test_what_frees_in_hours_is_not_waited_for() -> None:
    """A cap that frees later than anybody waits refuses at once, and tells when."""
    street = Street()
    for number in range(9):
        held = await street.ask(f"a{number}")
        assert isinstance(held, Held)
        await street.limiter.settle(held.hold_id, {})
    refused = await street.ask("a9")
    assert isinstance(refused, Refused)
    assert (refused.code, street.told["a9"]) == ("usage_cap_reached", [])


async def test_only_who_is_to_wait_waits() -> None:
    """A tier that refuses does, and so does a user who would rather be refused."""
    street = Street()
    assert isinstance(await street.ask("a1"), Held)
    assert isinstance(await street.ask("a2", "hasty"), Refused)
    assert isinstance(await street.ask("a3", prefer="refuse"), Refused)
    assert street.told == {"a1": [], "a2": [], "a3": []}


async def test_who_leaves_makes_way() -> None:
    """A request that is cancelled while it waits is out of the queue, and the next one moves up."""
    street = Street()
    held = await street.ask("a1")
    assert isinstance(held, Held)
    gone, left = (asyncio.create_task(street.ask(name)) for name in ("a2", "a3"))
    await quiet()
    gone.cancel()
    await quiet()
    assert street.told["a3"] == [2, 1]
    await street.limiter.release(held.hold_id)
    assert isinstance(await left, Held)
    assert not street.limiter._queues
