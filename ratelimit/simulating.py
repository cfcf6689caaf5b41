"""What other tiers would have made of past use: the real limiter, at the times of the past."""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ratelimit.ledgers.memory import MemoryLedger
from ratelimit.limiter import Ask, Held, Limiter, Refused
from ratelimit.prices import Price
from ratelimit.tiers import Tiers

_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One request that was served. Times are in microseconds."""

    id: str
    subject: str
    tier: str
    model: str
    at_us: int
    ended_us: int
    tokens: int
    """Of prompt and answer: what it was charged."""
    answer_tokens: int = 0
    """Those of `tokens` that are the answer's."""
    messages: int = 1


@dataclass(slots=True)
class Fate:
    """What would have become of the requests of one user."""

    tier: str
    asked: int = 0
    served: int = 0
    fallen_back: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the cap that would have refused, or `not in tier`."""
    first_at: int | None = None
    """When the first one would not have been served as it was."""


@dataclass(slots=True)
class Simulated:
    """What would have become of all requests, by user, and which model would have answered each."""

    users: dict[str, Fate] = field(default_factory=dict)
    models: dict[str, str | None] = field(default_factory=dict)
    """By request; None for one that would have been refused."""


class Simulation:
    """Replays requests in the order of their times, as if nobody had done anything else because of a refusal."""

    def __init__(self, tiers: Tiers, *, prices: Mapping[str, Price] = MappingProxyType({})) -> None:
        self._now = 0
        self._prices = prices
        self._limiter = Limiter(
            tiers=lambda: tiers,
            ledger=MemoryLedger(clock=lambda: self._now),
            lease_us=_DAY_US,
            clock=lambda: self._now,
            prices=prices,
        )
        self._running: list[tuple[int, int, Past]] = []
        self._order = itertools.count()
        self._found = Simulated()

    async def run(self, past: Iterable[Past], progress: Callable[[], None] = lambda: None) -> Simulated:
        """Return what would have become of `past`, the oldest first; `progress` hears of each request."""
        for one in past:
            await self._pass_until(one.at_us)
            await self._ask(one)
            progress()
        return self._found

    async def _pass_until(self, at: int) -> None:
        """Let the answers end that had ended by then."""
        while self._running and self._running[0][0] <= at:
            ended, _, one = heapq.heappop(self._running)
            self._now = max(self._now, ended)
            truth = {"messages": one.messages, "tokens": one.tokens}
            if price := self._prices.get(self._found.models.get(one.id) or ""):
                truth["cost"] = price.cost(prompt=one.tokens - one.answer_tokens, answer=one.answer_tokens)
            await self._limiter.settle(one.id, truth)
        self._now = max(self._now, at)

    async def _ask(self, one: Past) -> None:
        fate = self._found.users.setdefault(one.subject, Fate(one.tier))
        fate.asked += 1
        answer = await self._limiter.hold(
            Ask(
                hold_id=one.id,
                subject=one.subject,
                tier=one.tier,
                model=one.model,
                tokens=one.tokens,
                answer_tokens=one.answer_tokens,
                usable=lambda _: None,
            )
        )
        if isinstance(answer, Held):
            heapq.heappush(self._running, (max(one.ended_us, one.at_us), next(self._order), one))
            fate.served += 1
            fate.fallen_back += answer.served_by is not None
            self._found.models[one.id] = answer.model
        else:
            fate.refused[_reason(answer)] += 1
            self._found.models[one.id] = None
        if fate.first_at is None and (isinstance(answer, Refused) or answer.served_by is not None):
            fate.first_at = one.at_us


def _reason(refused: Refused) -> str:
    return refused.limit.id if refused.limit else "not in tier"
