"""Everything that demand changes, for the models that a rule names; all others are let through."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ratelimit.adaptive.concurrency import SECOND_US, Concurrency
from ratelimit.adaptive.places import Places
from ratelimit.adaptive.publishing import WHOLE, Pin, Published, Signs, effective
from ratelimit.adaptive.rules import Rule
from ratelimit.tiers import Cap, Lowered, Tier, Tiers

RETRY_SECONDS = 5
"""When to come again after being turned away: about the time in which a limit that was cut shows."""


@dataclass(slots=True)
class _Watched:
    """One model that a rule names."""

    rule: Rule
    upstreams: dict[str, Concurrency]
    places: Places
    turned_away: int = 0
    """In this second."""


@dataclass(slots=True)
class _Counts:
    seconds: int = 0
    strained: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """What operators see of one model."""

    model: str
    limit: int
    running: int
    upstreams: Mapping[str, int]
    """The limit of each."""
    tiers: Mapping[str, int] = field(default_factory=dict)
    """Answers running, by tier."""


class Adaptive:
    """Watches upstreams and decides who is let in; holds the published parts and the operator's pins.

    `upstreams` names those of each model; a place is a lease of `lease_us`. `clock` returns microseconds. Knows one
    process: what it does with its own share of the traffic is what each of several processes does with theirs. Without
    rules it changes nothing.
    """

    def __init__(
        self,
        *,
        rules: Sequence[Rule],
        upstreams: Mapping[str, Sequence[str]],
        lease_us: int,
        clock: Callable[[], int],
    ) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self.published: Mapping[str, Published] = {}
        self.pins: Mapping[str, Pin] = {}
        self._lease_us, self._clock = lease_us, clock
        self._counts = {rule.name: _Counts() for rule in rules}
        self._watched = {model: _watched(rule, upstreams.get(model, ())) for rule in rules for model in rule.models}
        self._made: tuple[Tiers, Tiers] | None = None

    def order(self, model: str, upstreams: Iterable[str]) -> list[str]:
        """Return the upstreams in the order in which to ask them: those without room last."""
        watched = self._watched.get(model)
        if watched is None or watched.rule.shadow:
            return list(upstreams)
        now = self._clock()
        return sorted(upstreams, key=lambda name: _full(watched.upstreams.get(name), now))

    def asked(self, upstream: str, model: str) -> None:
        """A call to `upstream` begins."""
        if found := self._concurrency(upstream, model):
            found.asked()

    def ended(self, upstream: str, model: str) -> None:
        """A call to `upstream` is over, however it went."""
        if found := self._concurrency(upstream, model):
            found.ended()

    def dropped(self, upstream: str, model: str, retry_after_us: int | None = None) -> None:
        """`upstream` refused a call for want of room, or did not answer in time."""
        if found := self._concurrency(upstream, model):
            found.dropped(self._clock(), retry_after_us)

    def answered(self, upstream: str, model: str, waited_us: int) -> None:
        """The first text of `upstream` came so long after it was asked."""
        if found := self._concurrency(upstream, model):
            found.answered(waited_us)

    def room(self, model: str, tier: str) -> bool:
        """Return whether one more answer for `tier` may begin now."""
        watched = self._watched.get(model)
        return watched is None or watched.rule.shadow or self._fits(watched, tier)

    def enter(self, hold_id: str, model: str, tier: str) -> bool:
        """Take a place for an answer, a lease as its hold is one; False if there is none."""
        watched = self._watched.get(model)
        if watched is None:
            return True
        if not self._fits(watched, tier):
            watched.turned_away += 1
            if not watched.rule.shadow:
                watched.places.turn_away(tier, self._clock())
                return False
        watched.places.enter(hold_id, tier, self._clock() + self._lease_us)
        return True

    def leave(self, hold_id: str) -> None:
        """Give a place back; nothing if there is none."""
        for watched in self._watched.values():
            if watched.places.leave(hold_id):
                return

    def renew(self, hold_ids: Collection[str]) -> None:
        """Extend the leases of these places."""
        until = self._clock() + self._lease_us
        for watched in self._watched.values():
            watched.places.renew(hold_ids, until)

    def retry_after(self, model: str) -> int:
        """Return the seconds after which one who was turned away may come again."""
        now = self._clock()
        rests = [one.rests_until(now) for one in self._watched[model].upstreams.values()]
        ends = [rest for rest in rests if rest is not None]
        return (
            max(RETRY_SECONDS, -((now - min(ends)) // SECOND_US)) if ends and len(ends) == len(rests) else RETRY_SECONDS
        )

    def tick(self) -> None:
        """End a second; to be called once in each."""
        now = self._clock()
        strained: dict[str, bool] = {}
        for watched in self._watched.values():
            name = watched.rule.name
            # Each one has to end its second.
            under = [one.tick(now) for one in watched.upstreams.values()]
            strained[name] = strained.get(name, False) or any(under) or watched.turned_away > 0
            watched.turned_away = 0
        for name, was in strained.items():
            self._counts[name].seconds += 1
            self._counts[name].strained += was

    def signs(self) -> Mapping[str, Signs]:
        """Return what the period that ends now was like, by rule, and begin the next."""
        found = {name: Signs(seconds=one.seconds, strained=one.strained) for name, one in self._counts.items()}
        self._counts = {name: _Counts() for name in self._counts}
        return found

    def publish(self, published: Mapping[str, Published], pins: Mapping[str, Pin]) -> None:
        """Let these parts and pins hold from now on."""
        self.published, self.pins, self._made = published, pins, None

    def part(self, rule: Rule, tier: str) -> tuple[int, Lowered | None]:
        """Return the part of the base cap that a tier has now, and why if that is not the whole."""
        pin = self.pins.get(rule.name)
        pinned = pin.parts.get(tier) if pin else None
        state = self.published.get(rule.name, Published())
        part = state.part(tier) if pinned is None else pinned
        if part >= WHOLE:
            return WHOLE, None
        if pinned is not None and pin is not None:
            return part, Lowered(because="by_hand", since=pin.at)
        return part, Lowered(because="high_demand", since=state.since or 0)

    def tiers(self, base: Tiers) -> Tiers:
        """Return `base` with the caps that are published now: what is enforced is what is shown."""
        if self._made is None or self._made[0] is not base:
            self._made = (base, self._lowered(base) if self.published or self.pins else base)
        return self._made[1]

    def models(self) -> tuple[ModelState, ...]:
        """Return how the watched models stand."""
        now = self._clock()
        return tuple(
            ModelState(
                model=model,
                limit=_limit(watched, now),
                running=len(watched.places),
                upstreams={name: one.limit for name, one in watched.upstreams.items()},
                tiers={tier: watched.places.of(tier) for tier in watched.rule.tiers},
            )
            for model, watched in self._watched.items()
        )

    def _lowered(self, base: Tiers) -> Tiers:
        return replace(base, by_name={name: self._lowered_tier(tier) for name, tier in base.by_name.items()})

    def _lowered_tier(self, tier: Tier) -> Tier:
        return replace(tier, caps=tuple(self._lowered_cap(cap, tier.name) for cap in tier.caps))

    def _lowered_cap(self, cap: Cap, tier: str) -> Cap:
        if cap.amount is None or cap.scope is None or cap.whose != "user" or not cap.window_us:
            return cap
        rule = next((rule for rule in self.rules.values() if set(cap.models) <= set(rule.models)), None)
        if rule is None or rule.shadow or tier not in rule.tiers:
            return cap
        part, why = self.part(rule, tier)
        amount = effective(cap.amount, part, rule.floor(tier))
        if why is None or amount == cap.amount:
            return cap
        return replace(cap, amount=amount, base=cap.amount, lowered=why if rule.announce else None)

    def _fits(self, watched: _Watched, tier: str) -> bool:
        now = self._clock()
        return watched.rule.at_once is None or watched.places.room(tier, _limit(watched, now), now)

    def _concurrency(self, upstream: str, model: str) -> Concurrency | None:
        watched = self._watched.get(model)
        return watched.upstreams.get(upstream) if watched else None


def _watched(rule: Rule, upstreams: Sequence[str]) -> _Watched:
    bounds = rule.at_once
    found = {}
    if bounds is not None:
        hard, soft = "upstream_429" in rule.watch, "first_token" in rule.watch
        found = {name: Concurrency(bounds, hard=hard, soft=soft) for name in upstreams}
    return _Watched(rule, found, Places(rule.shares))


def _limit(watched: _Watched, now: int) -> int:
    return sum(one.limit for one in watched.upstreams.values() if one.rests_until(now) is None)


def _full(one: Concurrency | None, now: int) -> bool:
    return one is not None and (one.inflight >= one.limit or one.rests_until(now) is not None)
