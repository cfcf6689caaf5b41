"""What every ledger tells of the requests that fill a counter."""

from collections.abc import AsyncIterator

import pytest

from ratelimit.ledger import Entry, Ledger
from tests.contracts.ledgers import LEDGERS, START, Opener, Wall
from tests.contracts.test_ledger import HOUR, LEASE, counts, request, tokens


@pytest.fixture
def wall() -> Wall:
    """The clock under the ledger."""
    return Wall()


@pytest.fixture(params=LEDGERS, ids=lambda opener: opener.__name__)
async def ledger(request: pytest.FixtureRequest, wall: Wall) -> AsyncIterator[Ledger]:
    """Each kind of ledger in turn, empty."""
    kind: Opener = request.param
    async with kind(wall) as opened:
        yield opened


async def test_the_entries_are_what_fills_a_counter(ledger: Ledger, wall: Wall) -> None:
    """Each request is an entry with its amount, its time and when it leaves; together they are the level."""
    for number, amount in enumerate([30, 50, 20]):
        await ledger.take(request(f"h{number}", tokens(amount, 100)))
        wall.now += 1
    await ledger.settle("h0", {"tokens": 25})
    await ledger.release("h2")
    day = 24 * HOUR
    assert list(await ledger.entries("ana|t", window_us=day)) == [
        Entry(hold_id="h0", at_us=START, amount=25, in_flight=False, free_at_us=START + day),
        Entry(hold_id="h1", at_us=START + 1, amount=50, in_flight=True, free_at_us=START + 1 + day),
    ]
    assert await counts(ledger, tokens(1, 100)) == [(25, 50)]
    assert list(await ledger.entries("ana|t", window_us=1)) == [
        Entry(hold_id="h1", at_us=START + 1, amount=50, in_flight=True, free_at_us=START + 1 + LEASE)
    ]
    assert list(await ledger.entries("bo|t", window_us=day)) == []


async def test_the_entries_of_a_long_log_are_put_together(ledger: Ledger, wall: Wall) -> None:
    """Above 256 requests the oldest ones are one entry without an id, and nothing is lost from the sum."""
    for number in range(300):
        await ledger.take(request(f"h{number}", tokens(1, 1_000)))
        await ledger.settle(f"h{number}", {})
        wall.now += 1
    found = await ledger.entries("ana|t", window_us=24 * HOUR)
    assert len(found) < 300
    assert sum(entry.amount for entry in found) == 300
    assert {entry.hold_id for entry in found if entry.amount > 1} == {""}
