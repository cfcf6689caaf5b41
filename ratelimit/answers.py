"""What a limiter is asked and what it answers: plain values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ratelimit.calendars import Period
from ratelimit.caps import Cap, Lowered, WhenCapped, Whose
from ratelimit.extras import NONE, Extras
from ratelimit.ledger import Charge
from ratelimit.lines import Unit
from ratelimit.meter import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request for one model."""

    hold_id: str
    subject: str
    """Whose caps are charged."""
    tier: str
    model: str
    tokens: int
    """The estimate, prompt and answer; less than 1 counts as 1."""
    answer_tokens: int = 0
    """Those of `tokens` that are the answer's, which may cost more than a prompt's."""
    images: int = 0
    """Images in the prompt."""
    organisation: str | None = None
    """Whose pools are charged too; without one, a pool of the tier counts the subject alone."""
    extras: Extras = NONE
    """What the subject has beside the tier."""
    usable: Callable[[str], str | None]
    """Why a fallback alias cannot serve this request (context, vision, persona); None if it can."""
    waiting: Callable[[int], None] | None = None
    """Hears the request's position while it waits, 1 for the next."""
    prefer: WhenCapped | None = None
    """What the user wants when capped, instead of what the tier says."""


@dataclass(frozen=True, slots=True)
class CapLevel:
    """A cap that a request touched, and how full it is."""

    cap: Cap
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBy:
    """Another alias serves than the one asked for."""

    asked: str
    served: str
    because: Literal["usage_cap_reached", "temporary_reduced_capacity"] = "usage_cap_reached"
    back_at: int | None
    """When the alias asked for has room again, in microseconds; None when a repeated hold no longer knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The request may run on `model`. It must be settled or released; until its deadline it is charged in full."""

    hold_id: str
    model: str
    served_by: ServedBy | None
    charges: tuple[Charge, ...]
    at_us: int
    deadline_us: int
    levels: tuple[CapLevel, ...]
    """The caps it was charged to, as they are after it; empty for a hold found again after a restart."""
    priority: int
    """Of its tier; the lowest number gives way first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What the user may do instead."""

    do: Literal["continue", "wait", "upgrade"]
    model: str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The cap that refused; `used` includes what is in flight, `window_seconds` is None if only that counts."""

    id: str
    cap: int
    used: int
    unit: Unit
    window_seconds: int | None
    scope: str | None = None
    """The alias or group that it names; None is the whole tier."""
    whose: Whose = "user"
    period: Period | None = None
    """Of a cap that follows a calendar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request may not run, and was charged nothing. Times are in microseconds."""

    code: Literal["usage_cap_reached", "too_many_at_once", "model_not_in_tier", "temporary_reduced_capacity"]
    model: str
    at_us: int | None = None
    limit: Limit | None = None
    next_at: int | None = None
    retry_after_seconds: int | None = None
    """Rounded up."""
    at_most: bool = False
    """Whether something in flight may make room before `next_at`."""
    full_at: int | None = None
    options: tuple[Option, ...] = ()
    tiers: tuple[str, ...] = ()
    """The tiers that have the model, when this one does not."""
    levels: tuple[CapLevel, ...] = ()
    """Every cap that the request would have been charged to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One cap of a user. Times are in microseconds; `next_at` is None while a unit can be had now."""

    id: str
    model: str | None
    """The alias or group that the cap names; None for the whole tier."""
    unit: Unit
    whose: Whose = "user"
    kind: Literal["rolling", "first_use", "calendar", "concurrent"]
    window_seconds: int | None
    """Of a calendar, the most that a period lasts."""
    cap: int
    base_cap: int
    """What the tier says; more than `cap` while demand is high."""
    lowered: Lowered | None = None
    """Why `cap` is lower, if users are to be told."""
    used: int
    held: int
    remaining: int
    next_at: int | None
    next_free_at: int | None
    full_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantLeft:
    """A grant that may be used now; `remaining` of its `amount` is left. Times are in microseconds."""

    id: str
    unit: Unit
    model: str | None
    """The alias or group that it is for; None for all."""
    amount: int
    used: int
    held: int
    remaining: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackLeft:
    """The first fallback model and how many messages it has left; None is unlimited."""

    model: str
    remaining: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """All caps of a user and of its organisation at one moment, in the order of the tier's lines.

    What everyone may use together is nobody's to see.
    """

    tier: str
    as_of: int
    rows: tuple[UsageRow, ...]
    fallback: FallbackLeft | None
    grants: tuple[GrantLeft, ...] = ()
    """In the order in which they are used, after the tier's own caps."""
