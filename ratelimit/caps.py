"""What each tier may use: caps by model, group or the whole tier, of a user, an organisation or everyone.

Pure values: they know neither users nor levels nor time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from ratelimit.lines import SECOND_US, Opens, Unit, show_amount, show_dollars, show_span

Whose = Literal["user", "pool", "network", "credential", "everyone"]
"""What a cap counts together: one user, the members of an organisation, who comes from one network, what is asked with
one credential, or all users."""
WhenCapped = Literal["use", "wait", "refuse"]
Rate = Fraction | float


@dataclass(frozen=True, slots=True)
class Lowered:
    """Why a cap is lower than its tier says."""

    because: Literal["high_demand", "by_hand"]
    since: int
    """In microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One limit of a tier: at most `amount` units in any window of `window_us` microseconds."""

    id: str
    """`gpt-4.messages`, `premium.tokens`, `tokens`, `at_once`; a second window of a unit ends in it: `tokens.7d`; those
    of an organisation or of everyone begin so: `pool.cost`."""
    unit: Unit
    amount: int | None
    """None is unlimited: it names its models and counts nothing."""
    window_us: int = 0
    """0 counts only what is in flight; of a calendar it is the most that a period lasts."""
    opens: Opens = "rolling"
    """How its windows begin."""
    scope: str | None = None
    """The alias or group that the line names; None is the whole tier."""
    models: tuple[str, ...] = ()
    """The aliases of `scope`, which share this one counter."""
    whose: Whose = "user"
    """Whose counter it is."""
    base: int | None = None
    """What the tier says, while less is in force."""
    lowered: Lowered | None = None
    """Why it is lower, if users are to be told."""

    def counts(self, model: str) -> bool:
        """Return whether a call to `model` is charged here."""
        return self.scope is None or model in self.models

    @property
    def text(self) -> str:
        """The cap as an operator would write it."""
        if self.amount is None:
            return "unlimited"
        if self.unit == "concurrent-requests":
            return f"{self.amount} at once"
        span = show_span(self.window_us, self.opens)
        if self.unit == "cost":
            return f"{show_dollars(self.amount)} / {span}"
        return f"{show_amount(self.amount)} {self.unit} / {span}"

    def rate(self) -> Rate:
        """Return units per second (units, if only those in flight count), to compare caps."""
        return math.inf if self.amount is None else Fraction(self.amount * SECOND_US, self.window_us or SECOND_US)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What the members of a tier may use; a model that no line names is not in the tier."""

    name: str
    caps: tuple[Cap, ...]
    when_capped: WhenCapped = "refuse"
    fallback: str | None = None
    """The alias or group that `use` names."""
    fallback_models: tuple[str, ...] = ()
    """Its aliases that are in this tier, in the order in which they are tried."""
    priority: int = 1
    """Handed on with every hold: the tier with the lowest number gives way first."""

    def has(self, model: str) -> bool:
        """Return whether a line names `model`, by itself or in a group."""
        return any(cap.scope is not None and cap.whose != "everyone" and cap.counts(model) for cap in self.caps)

    def caps_on(self, model: str) -> tuple[Cap, ...]:
        """Return every finite cap that a call to `model` must pass, in the order of the lines."""
        return tuple(cap for cap in self.caps if cap.amount is not None and cap.counts(model))

    def rate(self, model: str, unit: Unit) -> Rate:
        """Return the lowest rate among the caps on `model` that count `unit`; infinite if none does."""
        return min((cap.rate() for cap in self.caps_on(model) if cap.unit == unit), default=math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One line of the effective table: what holds in `tier` after `extends`."""

    tier: str
    """`everyone` for the lines that count all users together."""
    id: str
    cap: str
    models: tuple[str, ...]
    """Empty for a tier-wide line."""
    when_capped: str
    """`use standard`, `wait` or `refuse`; tier-wide lines always refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """All tiers, in the order in which the operator lists them."""

    by_name: Mapping[str, Tier]
    """Each with the lines of `everyone` after its own."""
    default_tier: str
    everyone: tuple[Cap, ...] = ()
    """What all users together may use."""
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The aliases of every group, and each alias as itself: what lines may name."""

    def tier(self, name: str) -> Tier:
        """Return the tier; a name that no longer exists stands for the default tier."""
        return self.by_name.get(name) or self.by_name[self.default_tier]

    def tiers_with(self, model: str) -> tuple[str, ...]:
        """Return the names of the tiers that have `model`."""
        return tuple(name for name, tier in self.by_name.items() if tier.has(model))

    def higher(self, model: str, cap: Cap, *, than: str) -> str | None:
        """Return the first tier that gives more than `cap` on `model`, and no fewer messages than the tier `than`."""
        messages = self.tier(than).rate(model, "messages")
        for name, tier in self.by_name.items():
            more = tier.rate(model, cap.unit) > cap.rate()
            if tier.has(model) and more and tier.rate(model, "messages") >= messages:
                return name
        return None

    def table(self) -> tuple[TableRow, ...]:
        """Return the effective lines of every tier."""
        own = tuple(
            TableRow(
                tier=tier.name,
                id=cap.id,
                cap=cap.text,
                models=cap.models,
                when_capped="refuse" if cap.scope is None else _when_text(tier),
            )
            for tier in self.by_name.values()
            for cap in tier.caps
            if cap.whose != "everyone"
        )
        return own + tuple(
            TableRow(tier="everyone", id=cap.id, cap=cap.text, models=cap.models, when_capped="as the tier says")
            for cap in self.everyone
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TierError:
    """One thing wrong in the configuration, where it stands and the way out."""

    path: tuple[str, ...]
    message: str
    cure: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.message}; {self.cure}"


class InvalidTiers(ValueError):  # noqa: N818  # as the rest of the house: an exception is named by what happened
    """The tiers contradict themselves or the models; `errors` has everything that was found."""

    def __init__(self, errors: Sequence[TierError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


def _when_text(tier: Tier) -> str:
    return f"use {tier.fallback}" if tier.when_capped == "use" else tier.when_capped
