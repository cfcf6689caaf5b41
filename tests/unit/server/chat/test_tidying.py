"""Unlisted turns are forgotten as fast as they come."""

import asyncio
from typing import cast

import pytest

from server.chat.tidying import AT_ONCE, EVERY, PAUSE, tidy
from server.core.happenings import Happening
from server.core.ports import Clock, Happened, Observer, Turns


class Left:
    """So many turns whose time has passed; a broken store now and then. It is the clock and the observer, too."""

    def __init__(self, *rounds: int | Exception) -> None:
        self.rounds = list(rounds)
        self.pauses: list[float] = []
        self.seen: list[Happening] = []

    async def forget(self, now: int, limit: int) -> int:
        this = self.rounds.pop(0)
        if isinstance(this, Exception):
            raise this
        return min(this, limit)

    def now(self) -> int:
        return 0

    def saw(self, happened: Happened) -> None:
        self.seen.append(happened.name)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if not self.rounds:
            raise asyncio.CancelledError


async def pauses(left: Left) -> list[float]:
    with pytest.raises(asyncio.CancelledError):
        await tidy(turns=cast(Turns, left), clock=cast(Clock, left), observer=cast(Observer, left), sleep=left.sleep)
    return left.pauses


async def test_it_goes_on_while_there_are_more() -> None:
    """A round that does not do is followed by another one soon; else the next comes half a minute later."""
    assert await pauses(Left(AT_ONCE, AT_ONCE, 3, 0)) == [EVERY, PAUSE, PAUSE, EVERY, EVERY]


async def test_a_round_that_fails_is_reported() -> None:
    """The next one tries again."""
    left = Left(AT_ONCE, OSError(), 0)
    assert await pauses(left) == [EVERY, PAUSE, EVERY, EVERY]
    assert left.seen == [Happening.TIDY_FAILED]
