"""A limiter that lets requests wait a few seconds for room, in a fair queue that tells their positions."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from ratelimit.answers import Ask, Held, Refused, UsageReport
from ratelimit.extras import NONE, Extras
from ratelimit.limits import Limits
from ratelimit.lines import SECOND_US
from ratelimit.queueing import FairQueue
from ratelimit.tiers import Tiers

PATIENCE: Final = 8.0
"""Seconds that a request waits at most."""
MOST: Final = 1_000
"""Requests that wait for one thing; more are refused at once."""
POLL: Final = 0.5
"""Seconds after which the first in a queue tries again in any case: another process may have made room."""

_MOST_HELD: Final = 10_000

Key = tuple[str, str]
"""What is waited for: `room` of a model, or a counter of a user, of a pool, or of everyone."""


@dataclass(slots=True, eq=False)
class _Ticket:
    tell: Callable[[int], None] | None
    position: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)


class WaitingLimiter:
    """A `Limits`: where the tier or the user says `wait`, a request that `limiter` has no room for waits for it.

    It waits up to `patience` seconds, if room may come within them: a place among those that run, or a cap that frees
    by then. Each user has one turn in each round. A hold that was waited for has an id of its own. Whoever does not
    wait is served by what is free when they come. Belongs to one event loop; each process has its own queues.
    """

    def __init__(self, *, limiter: Limits, tiers: Callable[[], Tiers], patience: float = PATIENCE) -> None:
        self._limiter, self._tiers, self._patience = limiter, tiers, patience
        self._queues: dict[Key, FairQueue[_Ticket]] = {}
        self._held: OrderedDict[str, tuple[Key, ...]] = OrderedDict()
        """What the end of each of the latest holds makes room for."""

    async def hold(self, ask: Ask) -> Held | Refused:
        """Charge every cap of the request, now or after a while, or none."""
        answer = await self._patiently(ask)
        if isinstance(answer, Held):
            pool = ("pool", ask.organisation or ask.subject)
            self._held[answer.hold_id] = (("room", answer.model), ("user", ask.subject), pool, ("everyone", ""))
            if len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)
        return answer

    async def settle(self, hold_id: str, amounts: Mapping[str, int]) -> bool:
        """Replace the hold by the truth; whoever waits for its place tries."""
        try:
            return await self._limiter.settle(hold_id, amounts)
        finally:
            self._ended(hold_id)

    async def release(self, hold_id: str) -> bool:
        """Undo the hold; whoever waits for its place tries."""
        try:
            return await self._limiter.release(hold_id)
        finally:
            self._ended(hold_id)

    async def renew(self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
        """Extend the leases and note the progress; return the ids that are still held."""
        return await self._limiter.renew(hold_ids, progress)

    async def usage(
        self, subject: str, tier: str, *, organisation: str | None = None, extras: Extras = NONE
    ) -> UsageReport:
        """Return how full every cap of the subject is."""
        return await self._limiter.usage(subject, tier, organisation=organisation, extras=extras)

    async def _patiently(self, ask: Ask) -> Held | Refused:
        if (ask.prefer or self._tiers().tier(ask.tier).when_capped) != "wait":
            return await self._limiter.hold(ask)
        loop = asyncio.get_running_loop()
        until, numbers, ticket = loop.time() + self._patience, count(1), _Ticket(ask.waiting)
        answer: Held | Refused | None = None
        key: Key | None = ("room", ask.model)
        # Nobody who waits is overtaken by somebody who would.
        if key not in self._queues:
            answer = await self._limiter.hold(ask)
            key = self._key(ask, answer)
        while key is not None and loop.time() < until and len(self._queues.get(key, ())) < MOST:
            # A hold that was taken and given back cannot be taken again.
            tries = (replace(ask, hold_id=f"{ask.hold_id}.{number}") for number in numbers)
            answer = await self._wait(tries, ticket, key, answer, until)
            key = None if answer is None else self._key(ask, answer)
        return answer or await self._limiter.hold(ask)

    async def _wait(
        self, tries: Iterator[Ask], ticket: _Ticket, key: Key, answer: Held | Refused | None, until: float
    ) -> Held | Refused | None:
        """Try whenever it is the request's turn, until something else is in the way than `key`; return the last answer.

        `answer` is what it is if no turn comes.
        """
        queue = self._queues.setdefault(key, FairQueue())
        ask = next(tries)
        queue.join(ask.subject, ticket)
        self._tell(queue)
        try:
            while await _turn(queue, ticket, until):
                answer = await self._limiter.hold(ask)
                if self._key(ask, answer) != key:
                    break
                ask = next(tries)
        finally:
            queue.leave(ask.subject, ticket, served=isinstance(answer, Held))
            self._stir(key)
            self._tell(queue)
            if not queue:
                self._queues.pop(key, None)
        return answer

    def _key(self, ask: Ask, refused: Held | Refused) -> Key | None:
        """Return what there may be room of soon; None if there is or will not be."""
        if isinstance(refused, Held):
            return None
        if refused.code == "temporary_reduced_capacity":
            return ("room", ask.model)
        limit = refused.limit
        if limit is None or refused.code == "model_not_in_tier":
            return None
        if refused.code == "usage_cap_reached":
            wait = None if refused.next_at is None else refused.next_at - (refused.at_us or 0)
            if wait is None or wait > self._patience * SECOND_US:
                return None
        names = {"pool": ask.organisation or ask.subject, "network": ask.extras.network or "", "everyone": ""}
        return (limit.whose, names.get(limit.whose, ask.subject))

    def _ended(self, hold_id: str) -> None:
        for key in self._held.pop(hold_id, ()):
            self._stir(key)

    def _stir(self, key: Key) -> None:
        first = self._queues[key].first if key in self._queues else None
        if first is not None:
            first.go.set()

    @staticmethod
    def _tell(queue: FairQueue[_Ticket]) -> None:
        for position, ticket in enumerate(queue, 1):
            if ticket.position != position:
                ticket.position = position
                if ticket.tell is not None:
                    ticket.tell(position)


async def _turn(queue: FairQueue[_Ticket], ticket: _Ticket, until: float) -> bool:
    """Wait until the ticket is the first and may try; False if its time has passed."""
    loop = asyncio.get_running_loop()
    while (left := until - loop.time()) > 0:
        first = queue.first is ticket
        try:
            async with asyncio.timeout(min(left, POLL) if first else left):
                await ticket.go.wait()
        except TimeoutError:
            if first and left > POLL:
                return True
            continue
        ticket.go.clear()
        if queue.first is ticket:
            return True
    return False
