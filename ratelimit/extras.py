"""What one user may use beside the tier: grants, overrides until a time, and what the tier before still gives.

Pure: it knows neither levels nor where extras are stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from ratelimit.calendars import Term
from ratelimit.caps import Cap, Tier, Tiers
from ratelimit.lines import LineError, Unit, read_amount, read_dollars, read_unit, show_amount, show_dollars
from ratelimit.tiers import parse_caps

GRANT: Final = "grant."
"""Begins the ids of grants that are told as caps."""
_EXAMPLE: Final = "write `20 gpt-4 messages`, `500k tokens` or `$5`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """What a grant gives: so many units of an alias or a group, or of all models."""

    amount: int
    unit: Unit
    scope: str | None = None

    @property
    def text(self) -> str:
        """The gift as an operator would write it."""
        if self.unit == "cost":
            return show_dollars(self.amount) + (f" {self.scope}" if self.scope else "")
        unit = self.unit.removesuffix("s") if self.amount == 1 else self.unit
        return " ".join(part for part in (show_amount(self.amount), self.scope, unit) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Units that were given once, to be used until a time. Times are in microseconds."""

    id: str
    gift: Gift
    starts_us: int
    expires_us: int
    priority: int = 1
    """Those with the lowest number are used first; among equals those that expire first, then the oldest."""

    def cap(self, tiers: Tiers) -> Cap:
        """Return the grant as a cap of its own, with one window that ends when it expires."""
        scope = self.gift.scope
        return Cap(
            id=f"{GRANT}{self.id}",
            unit=self.gift.unit,
            amount=self.gift.amount,
            window_us=self.expires_us - self.starts_us,
            opens=Term(self.expires_us),
            scope=scope,
            models=() if scope is None else tiers.scopes.get(scope, ()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A line that holds in place of the tier's until a time, in microseconds."""

    caps: tuple[Cap, ...]
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The tier that a user had, and when it was changed, in microseconds."""

    tier: str
    changed_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Messages that may be asked with one credential, whatever the tier has left. Times are in microseconds."""

    id: str
    messages: int
    starts_us: int
    ends_us: int
    """When the count may be forgotten: nothing is asked with it any more."""

    def cap(self) -> Cap:
        """Return the allowance as a cap, with one window; no grant pays for it."""
        return Cap(
            id=f"credential.{self.id}",
            unit="messages",
            amount=self.messages,
            window_us=self.ends_us - self.starts_us,
            opens=Term(self.ends_us),
            whose="credential",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """All that one user has beside the tier."""

    grants: tuple[Grant, ...] = ()
    overrides: tuple[Override, ...] = ()
    before: Before | None = None
    network: str | None = None
    """Where they come from, if they are not known to be one person: their caps over time count all of it too."""
    credential: Allowance | None = None
    """What they may ask with what they came with."""


NONE: Final = Extras()


def read_gift(text: str, tiers: Tiers) -> Gift:
    """Return what `20 gpt-4 messages`, `500k tokens`, `$5` or `$5 premium` gives. Raises `LineError`."""
    unit: Unit
    match text.split():
        case [dollars, *rest] if dollars.startswith("$") and len(rest) <= 1:
            amount, unit = read_dollars(dollars), "cost"
        case [number, *rest, word] if len(rest) <= 1:
            amount, unit = read_amount(number), read_unit(word)
        case _:
            raise LineError(f"`{text}` is not something to give", _EXAMPLE)
    if rest and rest[0] not in tiers.scopes:
        near = get_close_matches(rest[0], tiers.scopes, n=1)
        cure = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(tiers.scopes))}"
        raise LineError(f"unknown model or group `{rest[0]}`", cure)
    return Gift(amount=amount, unit=unit, scope=rest[0] if rest else None)


def read_override(text: str, tiers: Tiers) -> tuple[Cap, ...]:
    """Return the caps of a line such as `gpt-4: 100 messages / 3h`. Raises `LineError` and `InvalidTiers`."""
    key, colon, line = (part.strip() for part in text.partition(": "))
    if not colon or not line:
        raise LineError(f"`{text}` is not a line of a tier", "write `gpt-4: 100 messages / 3h`")
    return parse_caps(key, int(line) if line.isdecimal() and key == "at_once" else line, tiers.scopes)


def tier_of(tiers: Tiers, name: str, extras: Extras, now: int) -> Tier:
    """Return what holds at `now` for a user of the tier `name`.

    For one window after a change, caps that the tier before has too are no lower than they were in it. Overrides come
    last. Neither touches pools or what everyone may use.
    """
    tier = tiers.tier(name)
    caps: Sequence[Cap] = tier.caps
    before = extras.before
    if before is not None and before.tier in tiers.by_name:
        old = {cap.id: cap for cap in tiers.by_name[before.tier].caps}
        caps = [_kept(cap, old.get(cap.id), before.changed_us, now) for cap in caps]
    for override in extras.overrides:
        if now < override.until_us:
            caps = _replaced(caps, override.caps)
    if extras.network is not None:
        mine = [cap for cap in caps if may_pay(cap) and cap.amount is not None]
        caps = [*caps, *(replace(cap, id=f"network.{cap.id}", whose="network") for cap in mine)]
    if extras.credential is not None:
        caps = [*caps, extras.credential.cap()]
    return tier if caps is tier.caps else replace(tier, caps=tuple(caps))


def paying(extras: Extras, tiers: Tiers, model: str, now: int) -> tuple[Cap, ...]:
    """Return the grants that may pay for a call to `model`, as caps, in the order in which they are used."""
    return tuple(cap for cap in open_grants(extras, tiers, now) if cap.counts(model))


def open_grants(extras: Extras, tiers: Tiers, now: int) -> tuple[Cap, ...]:
    """Return the grants that have begun and not expired, as caps, in the order in which they are used."""
    ordered = sorted(extras.grants, key=lambda grant: (grant.priority, grant.expires_us, grant.starts_us, grant.id))
    return tuple(grant.cap(tiers) for grant in ordered if grant.starts_us <= now < grant.expires_us)


def may_pay(cap: Cap) -> bool:
    """Return whether a grant may pay for what this cap refuses: caps of the user's own, over time."""
    return cap.whose == "user" and cap.window_us > 0


def _kept(cap: Cap, old: Cap | None, changed: int, now: int) -> Cap:
    if old is None or cap.amount is None or old.amount is None or not may_pay(cap):
        return cap
    same = (old.window_us, old.opens, old.models) == (cap.window_us, cap.opens, cap.models)
    return old if same and old.amount > cap.amount and now < changed + cap.window_us else cap


def _replaced(caps: Sequence[Cap], line: Sequence[Cap]) -> list[Cap]:
    """Return the caps with those of the user's line of the same name replaced."""
    name = _line(line[0])
    mine = [index for index, cap in enumerate(caps) if cap.whose == "user" and _line(cap) == name]
    at = mine[0] if mine else len(caps)
    return [*caps[:at], *line, *(cap for index, cap in enumerate(caps) if index >= at and index not in mine)]


def _line(cap: Cap) -> str:
    return cap.scope or cap.unit
