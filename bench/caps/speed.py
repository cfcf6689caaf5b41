"""How many decisions a limiter makes in a second, when all are admitted.

All limiters take turns in a shuffled order, so that the noise of the machine meets each alike. Those in memory are
measured by the processor's time of the process, with what a journal still writes when all are admitted; those on a
server by the clock. One caller decides without a pause; many take turns on the loop after each decision, as the
requests of a server do.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Mapping, Sequence

from caps.limiters import Hit, Limiter

USERS, SECONDS, CALLERS = 100, 0.5, (1, 64)
CAP, WINDOW = 10**6, 10_800


async def measure(limiters: Sequence[Limiter], urls: Mapping[str, str], rounds: int) -> dict[Limiter, list[float]]:
    """Return decisions per second for each limiter, one figure for each number of callers: the median of the rounds."""
    found: dict[tuple[Limiter, int], list[float]] = {}
    for number in range(rounds):
        cells = [(limiter, callers) for limiter in limiters for callers in CALLERS]
        random.Random(number).shuffle(cells)  # noqa: S311  # the same order in every run
        for limiter, callers in cells:
            # Users of its own: some limiters use one name for values of several kinds.
            user = f"user{limiters.index(limiter)}"
            found.setdefault((limiter, callers), []).append(await _rate(limiter, callers, user, urls))
    return {limiter: [statistics.median(found[limiter, callers]) for callers in CALLERS] for limiter in limiters}


async def _rate(limiter: Limiter, callers: int, user: str, urls: Mapping[str, str]) -> float:
    done = 0
    clock = time.process_time if limiter.store == "memory" else time.perf_counter

    async def call(hit: Hit, number: int, until: float) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await hit(f"{user}-{number % USERS}")
            number += 7
            done += 1
            if callers > 1:
                # Those in memory never wait by themselves. A server's requests do, and then others and sweepers run.
                await asyncio.sleep(0)

    # Opened for this cell alone: what one still writes would slow the next one down.
    async with limiter.open(CAP, WINDOW, urls.get(limiter.store, "")) as hit:
        await hit(user)
        began, until = clock(), time.perf_counter() + SECONDS
        async with asyncio.TaskGroup() as group:
            for number in range(callers):
                group.create_task(call(hit, number, until))
    return done / (clock() - began)
