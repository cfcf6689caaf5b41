"""How many messages a limiter admits in any true window, and how many of them it provably should have refused.

200 tasks hammer one user's cap of 50 per 2 s for three windows, as one process on a store in memory, else as two. An
admission counts as wrong if, by the callers' own start and end times, at least a full cap of others lay within the
window before it; that is a lower bound.
"""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from caps.limiters import LIMITERS, Limiter

CAP, WINDOW, WINDOWS, TASKS = 50, 2.0, 3, 200
SKEW = 0.5
Scenario = Literal["steady", "late", "skewed"]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The most that were admitted in any window, how many were provably too many, and how many in all."""

    worst: int
    wrong: int
    admitted: int


def measure(limiter: Limiter, scenario: Scenario, url: str) -> Accuracy:
    """Hammer a limiter. *late*: one message, then nothing for 0.9 windows; *skewed*: one process's clock is ahead."""
    processes = 1 if limiter.store == "memory" else 2
    began = (int((time.time() + 4) // WINDOW) + 1) * WINDOW
    start = began + {"steady": 0.0, "late": 0.9, "skewed": 0.25}[scenario] * WINDOW
    context = multiprocessing.get_context("spawn")
    skews = [SKEW if scenario == "skewed" and number else 0.0 for number in range(processes)]
    early = [scenario == "late" and not number for number in range(processes)]
    name = (limiter.store, limiter.name)
    with context.Pool(processes) as pool:
        # A user of its own, for which nothing is counted yet.
        user = f"user-{start}-{LIMITERS.index(limiter)}"
        rows = [(name, url, TASKS // processes, user, start, skew, one) for skew, one in zip(skews, early, strict=True)]
        spans = sorted(span for found in pool.starmap(_work, rows) for span in found)
    return Accuracy(_worst(spans), _wrong(spans), len(spans))


def _worst(spans: Sequence[Span]) -> int:
    return max((sum(one >= began and ended < began + WINDOW for one, ended in spans) for began, _ in spans), default=0)


def _wrong(spans: Sequence[Span]) -> int:
    before = [sum(ended <= began and one > end - WINDOW for one, ended in spans) for began, end in spans]
    return sum(others >= CAP for others in before)


def _work(
    name: tuple[str, str],
    url: str,
    tasks: int,
    user: str,
    start: float,
    skew: float,
    early: bool,  # noqa: FBT001  # from starmap
) -> list[Span]:
    real = time.time
    nanoseconds = time.time_ns
    if skew:
        time.time = lambda: real() + skew
        time.time_ns = lambda: nanoseconds() + int(skew * 1e9)
    limiter = next(one for one in LIMITERS if (one.store, one.name) == name)
    return asyncio.run(_hammer(limiter, url, tasks, user, start - real(), early=early))


async def _hammer(limiter: Limiter, url: str, tasks: int, user: str, wait: float, *, early: bool) -> list[Span]:
    found: list[Span] = []
    start = time.perf_counter() + wait
    async with limiter.open(CAP, WINDOW, url) as hit:

        async def once() -> None:
            began = time.perf_counter()
            if await hit(user):
                found.append((began, time.perf_counter()))

        async def keep_on() -> None:
            while time.perf_counter() < start + WINDOW * WINDOWS - 0.02:
                await once()
                await asyncio.sleep(random.uniform(0.002, 0.02))  # noqa: S311  # spreads the callers

        await hit(f"{user}-warm")
        if early:
            await asyncio.sleep(max(0.0, start - 0.9 * WINDOW - time.perf_counter()))
            await once()
        await asyncio.sleep(max(0.0, start - time.perf_counter()))
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(keep_on())
    return found
