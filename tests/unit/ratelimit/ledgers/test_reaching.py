"""How shared ledgers say that their server is away."""

import asyncpg
import pytest

from ratelimit.ledger import LedgerAway, LedgerEmptied
from ratelimit.ledgers.reaching import away_on


@pytest.mark.parametrize("failed", [ConnectionRefusedError("no"), TimeoutError()])
async def test_a_failure_of_the_way_is_told_as_one(failed: Exception) -> None:
    """Whatever the driver raises, callers hear one thing, with its cause."""

    @away_on(OSError)
    async def call() -> None:
        raise failed

    with pytest.raises(LedgerAway) as told:
        await call()
    assert told.value.__cause__ is failed


@pytest.mark.parametrize("failed", [LedgerEmptied(), ValueError("below zero"), asyncpg.UniqueViolationError("twice")])
async def test_other_failures_stay_what_they_are(failed: Exception) -> None:
    """What is wrong with a call, and a server that lost everything, are told as such."""

    @away_on(OSError, asyncpg.PostgresConnectionError)
    async def call() -> None:
        raise failed

    with pytest.raises(type(failed)):
        await call()
