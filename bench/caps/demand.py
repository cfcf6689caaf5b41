"""An upstream whose capacity halves and comes back, asked by three tiers: what each policy makes of it.

The limiter, the ledger and the controllers are the real ones; the clock, the users and the upstream are simulated.
`.venv/bin/python bench/caps/demand.py` prints the table and draws docs/img/demand.svg.
"""

import asyncio
import heapq
import itertools
import random
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


from bench.caps.plot import Panel, drawn  # found by the line above
from ratelimit import Ask, Held, Limiter, parse_tiers
from ratelimit.adaptive import Adaptive, AdaptiveLimiter, Bounds, Rule, Share
from ratelimit.adaptive.publishing import Published, step
from ratelimit.adaptive.rules import PERIOD_US
from ratelimit.ledgers.memory import MemoryLedger

SECOND = 1_000_000
START = 1_764_000_000 * SECOND
MODEL, UPSTREAM = "gpt-4", "mock"
SHARES = {
    "free": Share(stops_at=70, keeps=10),
    "plus": Share(stops_at=90, keeps=30),
    "pro": Share(stops_at=100, keeps=15),
}
ADAPTIVE = Rule(
    name=MODEL,
    models=(MODEL,),
    tiers=("free", "plus", "pro"),
    floors={"free": 20, "plus": 60, "pro": 80},
    shares=SHARES,
    watch=frozenset({"upstream_429", "first_token"}),
    at_once=Bounds(least=10, start=100, most=160),
)
STATIC = replace(ADAPTIVE, watch=frozenset(), tiers=(), at_once=Bounds(least=100, start=100, most=100))
POLICIES = {"static limit of 100": STATIC, "adaptive": ADAPTIVE}
TIERS = parse_tiers(
    {name: {MODEL: "1M messages / 3h", "priority": n} for n, name in enumerate(SHARES, 1)},
    groups={},
    models=[MODEL],
    default_tier="free",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Seconds, and calls a second by tier; the capacity is half from `halves` to `returns`."""

    seconds: int = 700
    halves: int = 200
    returns: int = 500
    capacity: int = 100
    calls: tuple[tuple[str, float], ...] = (("free", 9.0), ("plus", 4.0), ("pro", 1.5))
    seed: int = 7

    def capacity_at(self, second: float) -> int:
        """Return how many answers at once the upstream writes at its full speed."""
        return self.capacity // 2 if self.halves <= second < self.returns else self.capacity


LONG = Scenario(seconds=4 * 3600, halves=3600, returns=2 * 3600, calls=(("free", 5.0), ("plus", 4.0), ("pro", 1.5)))


@dataclass(slots=True)
class Second:
    """One second of a run, as the plot shows it."""

    limit: int
    running: int
    refused: int
    parts: dict[str, int]


@dataclass(slots=True)
class Found:
    """What a policy made of a scenario."""

    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    """How often the upstream answered 429."""
    slow: int = 0
    """Answers whose first text took over 1.6 times as long as it should."""
    seconds: list[Second] = field(default_factory=list)

    def served(self, tier: str) -> float:
        """Return the part of the tier's calls that were answered."""
        return self.answered[tier] / self.asked[tier]

    def swing(self, since: int, until: int) -> float:
        """Return how far the limit moved between two seconds, as a part of its mean."""
        limits = [one.limit for one in self.seconds[since:until]]
        return (max(limits) - min(limits)) / (sum(limits) / len(limits))


class Run:
    """One policy in one scenario."""

    def __init__(self, rule: Rule, scenario: Scenario) -> None:
        self._rule, self._scenario = rule, scenario
        self._now = START
        self._random = random.Random(scenario.seed)  # noqa: S311  # users, not secrets
        self._order = itertools.count()
        self._later: list[tuple[int, int, Callable[[], Coroutine[None, None, None]]]] = []
        self._running = 0
        self._found = Found()
        self._refused = 0
        lease = 24 * 3600 * SECOND
        self._adaptive = Adaptive(rules=[rule], upstreams={MODEL: [UPSTREAM]}, lease_us=lease, clock=lambda: self._now)
        tiers = lambda: self._adaptive.tiers(TIERS)  # noqa: E731
        inner = Limiter(
            tiers=tiers, ledger=MemoryLedger(clock=lambda: self._now), lease_us=lease, clock=lambda: self._now
        )
        self._limiter = AdaptiveLimiter(limiter=inner, adaptive=self._adaptive, tiers=tiers)

    async def run(self) -> Found:
        """Return what came of it."""
        for tier, rate in self._scenario.calls:
            self._at(self._random.expovariate(rate), partial(self._call, tier, rate))
        self._at(1.0, self._tick)
        end = START + self._scenario.seconds * SECOND
        while self._later and self._later[0][0] <= end:
            self._now, _, what = heapq.heappop(self._later)
            await what()
        return self._found

    def _at(self, seconds: float, what: Callable[[], Coroutine[None, None, None]]) -> None:
        heapq.heappush(self._later, (self._now + max(1, round(seconds * SECOND)), next(self._order), what))

    async def _call(self, tier: str, rate: float) -> None:
        """Somebody of the tier asks, and the next one will."""
        self._at(self._random.expovariate(rate), lambda: self._call(tier, rate))
        self._found.asked[tier] += 1
        number = next(self._order)
        ask = Ask(
            hold_id=f"h{number}",
            subject=f"{tier}{number % 50}",
            tier=tier,
            model=MODEL,
            tokens=1,
            usable=lambda _: None,
        )
        held = await self._limiter.hold(ask)
        if not isinstance(held, Held):
            return
        capacity = self._scenario.capacity_at((self._now - START) / SECOND)
        self._adaptive.asked(UPSTREAM, MODEL)
        if self._running >= 1.2 * capacity:
            self._refused += 1
            self._adaptive.dropped(UPSTREAM, MODEL)
            self._adaptive.ended(UPSTREAM, MODEL)
            await self._limiter.release(held.hold_id)
            return
        self._running += 1
        self._found.answered[tier] += 1
        first = 1 + max(0, self._running - capacity) / capacity * 6
        self._found.slow += first > 1.6
        self._at(first, lambda: self._first(first))
        self._at(first + self._random.lognormvariate(2.0, 0.4), lambda: self._ended(held.hold_id))

    async def _first(self, waited: float) -> None:
        self._adaptive.answered(UPSTREAM, MODEL, round(waited * SECOND))

    async def _ended(self, hold_id: str) -> None:
        self._running -= 1
        self._adaptive.ended(UPSTREAM, MODEL)
        await self._limiter.settle(hold_id, {})

    async def _tick(self) -> None:
        self._at(1.0, self._tick)
        self._adaptive.tick()
        if (self._now - START) % PERIOD_US < SECOND:
            signs = self._adaptive.signs()[self._rule.name]
            known = self._adaptive.published.get(self._rule.name)
            if known is not None or self._rule.tiers:
                published = step(known or Published(), self._rule, signs, self._now)
                self._adaptive.publish({self._rule.name: published}, {})
        state = self._adaptive.models()[0]
        parts = {tier: self._adaptive.part(self._rule, tier)[0] for tier in SHARES}
        self._found.refused += self._refused
        self._found.seconds.append(Second(state.limit, self._running, self._refused, parts))
        self._refused = 0


def measure(rule: Rule, scenario: Scenario = Scenario()) -> Found:
    """Run one policy and return what came of it."""
    return asyncio.run(Run(rule, scenario).run())


def table(scenario: Scenario) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| policy | answers | slow ones | 429s of the upstream | pro | plus | free |"
    yield "|---|---|---|---|---|---|---|"
    for name, rule in POLICIES.items():
        found = measure(rule, scenario)
        cells = [f"{100 * found.served(tier):.1f} %" for tier in ("pro", "plus", "free")]
        figures = [f"{number:,}" for number in (sum(found.answered.values()), found.slow, found.refused)]
        yield f"| {name} | {' | '.join([*figures, *cells])} |"


def picture(scenario: Scenario) -> str:
    """Return the plot of both policies, at most 700 points in time."""
    runs = {name: measure(rule, scenario).seconds for name, rule in POLICIES.items()}
    adaptive = runs["adaptive"]
    every = max(1, scenario.seconds // 700)

    def points(of: Callable[[Second], float], seconds: list[Second]) -> list[float]:
        groups = [seconds[at : at + every] for at in range(0, len(seconds), every)]
        return [sum(map(of, group)) / len(group) for group in groups]

    def published(tier: str, one: Second) -> float:
        return one.parts[tier] / 10

    capacity = [float(scenario.capacity_at(at)) for at in range(0, scenario.seconds, every)]
    panels = [
        Panel(
            "Answers at once: what the upstream can, what the limit lets in, what runs",
            {
                "capacity": capacity,
                "limit": points(lambda one: one.limit, adaptive),
                "running": points(lambda one: one.running, adaptive),
            },
            most=160,
        ),
        Panel(
            "429s of the upstream a second",
            {name: points(lambda one: one.refused, seconds) for name, seconds in runs.items()},
            most=10,
        ),
        Panel(
            "Published cap, per cent of the base",
            {tier: points(partial(published, tier), adaptive) for tier in SHARES},
            most=105,
        ),
    ]
    marks = [(scenario.halves / 60, "capacity halves"), (scenario.returns / 60, "comes back")]
    return drawn(panels, scenario.seconds // 60, marks)


def main() -> None:
    """Print the table of both scenarios and write the plot of the long one."""
    for scenario in (Scenario(), LONG):
        minutes = [scenario.seconds // 60, scenario.halves // 60, scenario.returns // 60]
        print("{} minutes, half the capacity from minute {} to {}".format(*minutes))
        for line in table(scenario):
            print(line, flush=True)
    folder = Path(__file__).parents[2] / "docs" / "img"
    folder.mkdir(exist_ok=True)
    (folder / "demand.svg").write_text(picture(LONG), encoding="utf-8")


if __name__ == "__main__":
    main()
