"""Refusals, gathered and written."""

import asyncio
from collections.abc import Sequence

from server.chat.refused import MOST, Remembering
from server.core.errors import Refused
from server.core.ports import Happened
from server.core.ports_operator import Refusal
from tests.unit.server.chat.cast import actor

AT = 7_000_000


class Stage:
    """A record that the test reads, and time that stands."""

    def __init__(self) -> None:
        self.added: list[Refusal] = []
        self.happened: list[str] = []
        self.broken = False
        self.tidied = 0
        self.remembering = Remembering(refusals=self, clock=self, observer=self)

    async def add(self, refused: Sequence[Refusal]) -> None:
        if self.broken:
            raise OSError("no disk")
        self.added += refused

    async def of(self, user_id: str, since: int) -> Sequence[Refusal]:
        return self.added

    async def forget(self, before: int) -> int:
        self.tidied += 1
        if self.broken:
            raise OSError("no disk")
        return 0

    def now(self) -> int:
        return AT

    def monotonic(self) -> float:
        return 0.0

    def saw(self, happened: Happened) -> None:
        self.happened.append(happened.name)


def capped() -> Refused:
    """Return what a user is told at a cap."""
    return Refused(
        "usage_cap_reached",
        "No.",
        extra={"limit": {"id": "gpt-4.messages"}, "next_at": "1970-01-01T00:00:09.000001Z"},
    )


async def test_what_was_refused_is_written_at_the_latest_at_the_end() -> None:
    """Cap and time are kept to the microsecond; the same refusal is counted, another one is apart."""
    stage = Stage()
    async with stage.remembering:
        for _ in range(3):
            stage.remembering.note(actor(), "gpt-4", capped())
        stage.remembering.note(actor(), None, Refused("content_blocked", "No."))
    first, second = stage.added
    assert (first.user_id, first.code, first.model, first.cap) == (
        "user_1",
        "usage_cap_reached",
        "gpt-4",
        "gpt-4.messages",
    )
    assert (first.count, first.last_at, first.next_at) == (3, AT, 9_000_001)
    assert (second.code, second.model, second.cap, second.next_at) == ("content_blocked", "", "", None)


async def test_memory_is_bounded() -> None:
    """More different refusals than may wait are let go, and names are cut."""
    stage = Stage()
    async with stage.remembering:
        for number in range(MOST + 5):
            stage.remembering.note(actor(), f"{number} {'x' * 300}", Refused("model_not_found", "No."))
    assert len(stage.added) == MOST
    assert {len(one.model) for one in stage.added} == {255}


async def test_a_broken_store_is_told_and_harms_nobody() -> None:
    """What cannot be written is lost, and operators hear of it."""
    stage = Stage()
    stage.broken = True
    async with stage.remembering:
        stage.remembering.note(actor(), "gpt-4", capped())
    assert stage.happened == ["refusals_lost"]


async def test_a_round_that_fails_ends_nothing() -> None:
    """While the store is away, neither writing nor tidying ends the process; both go on when it is back."""
    stage = Stage()
    stage.broken = True
    stage.remembering = Remembering(refusals=stage, clock=stage, observer=stage, sleep=lambda _: asyncio.sleep(0))
    async with stage.remembering:
        stage.remembering.note(actor(), None, capped())
        while len(stage.happened) < 5:  # noqa: ASYNC110  rounds of others
            await asyncio.sleep(0)
        stage.broken = False
        stage.remembering.note(actor(), None, capped())
        tidied = stage.tidied
        while stage.tidied == tidied or not stage.added:  # noqa: ASYNC110
            await asyncio.sleep(0)
