"""What turns have cost reaches the ledger: at once, or when it is there again, by whichever process."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import cast

import pytest

from ratelimit import Limiter
from server.chat.settling import AT_ONCE, RETRIES, Settling
from server.core.ports import Happened
from server.core.ports_charges import Charges
from server.core.records import Outcome, TurnStatus, UsageRow
from tests.contracts.turn_records import a_turn, usage_of

LEASE = 10_000_000


class Stage:
    """A ledger that may be away, a store that may be away, and a clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0
        self.away = False
        self.broken: set[str] = set()
        self.store_away = False
        self.heard: list[tuple[str, Mapping[str, int] | None]] = []
        self.rows: dict[str, UsageRow] = {}
        self.slept: list[float] = []
        self.happened: list[str] = []

    def process(self) -> Settling:
        """Return what tells the ledger, of one process."""
        return Settling(
            clock=self,
            limiter=cast(Limiter, self),
            charges=cast(Charges, self),
            observer=self,
            patience=LEASE,
            sleep=self.sleep,
        )

    def ended(self, name: str, **charged: int) -> UsageRow:
        """Let a turn end now."""
        outcome = Outcome(status=TurnStatus.COMPLETED, ended_at=self.at)
        self.rows[f"resp_{name}"] = usage_of(a_turn(name), outcome, charged=charged)
        return self.rows[f"resp_{name}"]

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def saw(self, happened: Happened) -> None:
        self.happened.append(happened.name)

    async def settle(self, hold_id: str, amounts: Mapping[str, int]) -> bool:
        return self.hear(hold_id, amounts)

    async def release(self, hold_id: str) -> bool:
        return self.hear(hold_id, None)

    def hear(self, hold_id: str, amounts: Mapping[str, int] | None) -> bool:
        if self.away:
            raise OSError("away")
        if hold_id in self.broken:
            raise ValueError("nonsense")
        self.heard.append((hold_id, amounts))
        return True

    async def unsettled(self, before: int, limit: int, after: UsageRow | None = None) -> Sequence[UsageRow]:
        due = [row for row in self.rows.values() if row.ended_at < before]
        return due[due.index(after) + 1 if after else 0 :][:limit]

    async def settled(self, turn_ids: Collection[str], now: int) -> None:
        if self.store_away:
            raise OSError("away")
        for turn_id in turn_ids:
            self.rows.pop(turn_id, None)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_what_was_told_is_noted_and_not_told_again(stage: Stage) -> None:
    """A charge is told once, what cost nothing is given back, and the next round has nothing to tell."""
    settling = stage.process()
    for row in (stage.ended("1", messages=1), stage.ended("2")):
        await settling.settle(row.turn_id, row.hold_id, row.charged)
    stage.at += 10 * LEASE
    await settling.catch_up()
    assert stage.heard == [("hold_1", {"messages": 1}), ("hold_2", None)]
    assert stage.rows == {}


async def test_a_charge_whose_process_died_is_told_by_another(stage: Stage) -> None:
    """It is left to its own process for a lease, and then told by any."""
    stage.ended("1", messages=1)
    other = stage.process()
    stage.at = LEASE
    await other.catch_up()
    assert stage.heard == []
    stage.at = LEASE + 1
    await other.catch_up()
    assert stage.heard == [("hold_1", {"messages": 1})]
    assert stage.rows == {}


async def test_a_charge_outlasts_a_ledger_that_is_away(stage: Stage) -> None:
    """It is tried a few times, then told when the ledger is there again."""
    settling = stage.process()
    row = stage.ended("1", messages=1)
    stage.away = True
    await settling.settle(row.turn_id, row.hold_id, row.charged)
    assert (stage.slept, stage.happened) == (list(RETRIES), ["settle_failed"] * (len(RETRIES) + 1))
    stage.at += 2 * LEASE
    with pytest.raises(OSError, match="away"):
        await settling.catch_up()
    stage.away = False
    await settling.catch_up()
    assert (stage.heard, stage.rows) == ([("hold_1", {"messages": 1})], {})


async def test_what_cannot_be_noted_is_told_again(stage: Stage) -> None:
    """The ledger settles a hold once, so a note that was lost costs nothing."""
    settling = stage.process()
    row = stage.ended("1", messages=1)
    stage.store_away = True
    await settling.settle(row.turn_id, row.hold_id, row.charged)
    with pytest.raises(OSError, match="away"):
        await settling.note()
    stage.store_away = False
    await settling.note()
    assert stage.rows == {}


async def test_one_charge_that_fails_is_in_nobodys_way(stage: Stage) -> None:
    """The others are told, and it is reported."""
    stage.ended("1", messages=1)
    stage.ended("2", messages=1)
    stage.broken = {"hold_1"}
    stage.at += 2 * LEASE
    await stage.process().catch_up()
    assert stage.heard == [("hold_2", {"messages": 1})]
    assert (list(stage.rows), stage.happened) == (["resp_1"], ["settle_failed"])


async def test_charges_that_the_ledger_does_not_take_hold_up_no_others(stage: Stage) -> None:
    """However many there are, what came after them is told."""
    for number in range(AT_ONCE + 1):
        stage.broken.add(stage.ended(f"bad{number}", messages=1).hold_id)
    stage.ended("good", messages=1)
    stage.at += 2 * LEASE
    await stage.process().catch_up()
    assert stage.heard == [("hold_good", {"messages": 1})]
