"""The slow loop: which part of their base cap the members of each tier have, until demand falls.

A window of hours reacts over hours, so this moves rarely, in small steps, and comes back only when all has been well
for long. Parts are in thousandths of the base cap.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ratelimit.adaptive.rules import PERIOD_US, Rule

WHOLE = 1000
STRAINED = 20
"""Per cent of a period's seconds under strain from which on it was bad."""
WELL = 5
"""Per cent of a period's seconds under strain up to which all was well. What lies between leaves the caps alone."""
MOST_PATIENCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What one period was like: its seconds, and those in which something was refused, turned away or slow."""

    seconds: int
    strained: int

    @property
    def bad(self) -> bool:
        """Whether demand was clearly too high."""
        return self.seconds > 0 and 100 * self.strained >= STRAINED * self.seconds

    @property
    def good(self) -> bool:
        """Whether there was clearly room."""
        return 100 * self.strained <= WELL * self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The parts in force for one rule, and what the next step must know."""

    parts: Mapping[str, int] = field(default_factory=dict)
    """By tier; a tier that is not named has its whole cap."""
    since: int | None = None
    """Since when any is lowered."""
    bad: int = 0
    good: int = 0
    """Periods in a row."""
    lowered_at: int | None = None
    raised_at: int | None = None
    patience: int = 1
    """How many times as long as the rule says all must be well: doubled when a cap had to be lowered soon after."""

    def part(self, tier: str) -> int:
        """Return the tier's part."""
        return self.parts.get(tier, WHOLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What an operator fixed by hand for a rule: parts by tier, or with none the parts as they are (a freeze)."""

    parts: Mapping[str, int] = field(default_factory=dict)
    by: str = ""
    reason: str = ""
    at: int = 0


def step(state: Published, rule: Rule, signs: Signs, now: int) -> Published:
    """Return what is published after a period with `signs`.

    Between two changes of a direction lie whole periods of the same kind, so signs that stay the same change the parts
    in one direction only, and signs that are neither good nor bad change nothing.
    """
    if signs.bad:
        state = replace(state, bad=state.bad + 1, good=0)
        return _lower(state, rule, now) if state.bad * PERIOD_US >= rule.every_us else state
    if not signs.good:
        return replace(state, bad=0, good=0)
    state = replace(state, good=state.good + 1, bad=0)
    if state.good * PERIOD_US < rule.recover_us * state.patience:
        return state
    return _raise(state, rule, now)


def effective(base: int, part: int, floor: int) -> int:
    """Return the cap that `part` thousandths of `base` are: whole, never under `floor` per cent, at least one."""
    return max(1, (base * part + WHOLE // 2) // WHOLE, -(-base * floor // 100)) if part < WHOLE else base


def _lower(state: Published, rule: Rule, now: int) -> Published:
    if state.lowered_at is not None and now - state.lowered_at < rule.every_us:
        return state
    for tier in rule.tiers:
        floor = rule.floor(tier) * 10
        part = state.part(tier)
        if part > floor:
            soon = state.raised_at is not None and now - state.raised_at < 2 * rule.recover_us * state.patience
            return replace(
                state,
                parts={**state.parts, tier: max(floor, part * (100 - rule.step) // 100)},
                since=state.since if state.since is not None else now,
                lowered_at=now,
                bad=0,
                patience=min(2 * state.patience, MOST_PATIENCE) if soon else state.patience,
            )
    return state


def _raise(state: Published, rule: Rule, now: int) -> Published:
    for tier in reversed(rule.tiers):
        part = state.part(tier)
        if part < WHOLE:
            parts = {**state.parts, tier: min(WHOLE, part + rule.step * 5)}
            whole = all(value >= WHOLE for value in parts.values())
            return replace(
                state,
                parts={} if whole else parts,
                since=None if whole else state.since,
                raised_at=now,
                good=0,
            )
    return replace(state, patience=1, good=0)
