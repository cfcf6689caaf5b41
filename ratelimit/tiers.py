"""What each tier may use: caps by model, group or the whole tier.

Pure values and the reader of the `tiers` section; it knows neither users nor levels nor time.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from typing import Literal, cast

from ratelimit.lines import SECOND_US, Line, LineError, read_line, show_amount, show_window

Unit = Literal["messages", "tokens", "concurrent-requests"]
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
    """`gpt-4.messages`, `premium.tokens`, `tokens`, `at_once`; a second window of a unit ends in it: `tokens.7d`."""
    unit: Unit
    amount: int | None
    """None is unlimited: it names its models and counts nothing."""
    window_us: int = 0
    """0 counts only what is in flight."""
    scope: str | None = None
    """The alias or group that the line names; None is the whole tier."""
    models: tuple[str, ...] = ()
    """The aliases of `scope`, which share this one counter."""
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
        return f"{show_amount(self.amount)} {self.unit} / {show_window(self.window_us)}"

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
        return any(cap.scope is not None and cap.counts(model) for cap in self.caps)

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
    default_tier: str

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
        return tuple(
            TableRow(
                tier=tier.name,
                id=cap.id,
                cap=cap.text,
                models=cap.models,
                when_capped="refuse" if cap.scope is None else _when_text(tier),
            )
            for tier in self.by_name.values()
            for cap in tier.caps
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


def parse_tiers(
    raw: object, *, groups: Mapping[str, Sequence[str]], models: Collection[str], default_tier: str
) -> Tiers:
    """Return the tiers that `raw`, the loaded `tiers` section, describes.

    Every cap that is accepted is enforced. Raises `InvalidTiers` with all errors, not only the first.
    """
    reader = _Reader(groups, models)
    tiers = reader.read(raw)
    if default_tier not in tiers and not reader.errors:
        reader.refuse(("default_tier",), f"there is no tier `{default_tier}`", _did_you_mean(default_tier, tiers))
    if reader.errors:
        raise InvalidTiers(reader.errors)
    return Tiers(by_name=tiers, default_tier=default_tier)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", re.ASCII)
_RESERVED = frozenset({"tokens", "at_once", "priority", "when_capped", "extends"})
_NOT_YET = frozenset({"cost", "images", "pool", "each_member", "adaptive", "price_id"})


@dataclass(frozen=True, slots=True)
class _Own:
    """What a tier says: by itself at first, then with what it inherits."""

    lines: Mapping[str, tuple[Cap, ...]]
    extends: str | None
    when: tuple[WhenCapped, str | None] | None
    priority: int | None


class _Reader:
    def __init__(self, groups: Mapping[str, Sequence[str]], models: Collection[str]) -> None:
        self._groups, self._models = groups, models
        self.errors: list[TierError] = []

    def refuse(self, path: tuple[str, ...], message: str, cure: str) -> None:
        self.errors.append(TierError(path=path, message=message, cure=cure))

    def read(self, raw: object) -> dict[str, Tier]:
        self._check_names()
        if not isinstance(raw, Mapping) or not raw:
            self.refuse(("tiers",), "is not a list of named tiers", "write at least one `name: {…}`")
            return {}
        own = {str(name): self._read_tier(str(name), body) for name, body in raw.items()}
        whole = {name: self._with_parents(name, own) for name in own}
        tiers = {name: self._tier(name, what) for name, what in whole.items()}
        for name, tier in tiers.items():
            if own[name].when is not None:
                self._check_fallback(tier)
        return tiers

    def _check_names(self) -> None:
        for kind, names in (("models", self._models), ("groups", self._groups)):
            for name in names:
                if name in _RESERVED | _NOT_YET:
                    self.refuse((kind, name), "is a word of the tier language", "choose another name")
                elif not _NAME.fullmatch(name):
                    self.refuse(
                        (kind, name), "cannot name a cap", "use letters, digits and . _ : / @ -, without spaces"
                    )
        for name, aliases in self._groups.items():
            if name in self._models:
                self.refuse(("groups", name), "is also the name of a model", "choose another name")
            for alias in aliases:
                if alias not in self._models:
                    self.refuse(("groups", name), f"unknown model `{alias}`", _did_you_mean(alias, self._models))

    def _read_tier(self, name: str, body: object) -> _Own:
        if not _NAME.fullmatch(name):
            self.refuse(("tiers", name), "cannot name a tier", "use letters, digits and . _ : / @ -, without spaces")
        if not isinstance(body, Mapping):
            self.refuse(("tiers", name), "is not a list of lines", "write `gpt-4: 50 messages / 3h` under it")
            body = {}
        lines: dict[str, tuple[Cap, ...]] = {}
        extends, when, priority = None, None, None
        for key, value in ((str(key), value) for key, value in body.items()):
            path = ("tiers", name, key)
            if key == "extends":
                extends = str(value)
            elif key == "when_capped":
                when = self._read_when(path, value)
            elif key == "priority":
                priority = self._whole_number(path, value)
            elif caps := self._read_caps(path, key, value):
                lines[key] = caps
        return _Own(lines, extends, when, priority)

    def _read_caps(self, path: tuple[str, ...], key: str, value: object) -> tuple[Cap, ...]:
        if key in _NOT_YET:
            self.refuse(path, f"`{key}` is not enforced yet", "remove the line")
        elif key == "at_once":
            amount = None if value == "unlimited" else self._whole_number(path, value)
            if amount is not None or value == "unlimited":
                return (Cap(id="at_once", unit="concurrent-requests", amount=amount),)
        elif key != "tokens" and key not in self._groups and key not in self._models:
            known = [*self._models, *self._groups, *_RESERVED]
            self.refuse(path, f"unknown model or group `{key}`", _did_you_mean(key, known))
        elif isinstance(value, list) and value:
            found = [self._cap(path, key, line) for one in value if (line := self._line(path, one))]
            return self._side_by_side(path, [cap for cap in found if cap])
        elif (line := self._line(path, value)) and (cap := self._cap(path, key, line)):
            return (cap,)
        return ()

    def _side_by_side(self, path: tuple[str, ...], caps: Sequence[Cap]) -> tuple[Cap, ...]:
        """Return the caps of one list, each with an id that does not depend on their order."""
        if len(caps) > 1 and any(cap.amount is None for cap in caps):
            self.refuse(path, "is unlimited and capped at once", "write `unlimited` alone, or leave it out")
        if len({(cap.unit, cap.window_us) for cap in caps}) < len(caps):
            self.refuse(path, "caps one unit twice in one window", "keep the lower of the two")
        return tuple(
            replace(cap, id=f"{cap.id}.{show_window(cap.window_us)}") if _has_shorter(cap, caps) else cap
            for cap in caps
        )

    def _line(self, path: tuple[str, ...], value: object) -> Line | None:
        try:
            return read_line(str(value) if isinstance(value, str | int) else "")
        except LineError as error:
            self.refuse(path, error.message, error.cure)
            return None

    def _cap(self, path: tuple[str, ...], key: str, line: Line) -> Cap | None:
        if key == "tokens":
            if line.unit == "messages":
                self.refuse(path, "counts tokens, not messages", "write `tokens: 2M / 24h`")
                return None
            return Cap(id="tokens", unit="tokens", amount=line.amount, window_us=line.window_us)
        if line.amount is not None and line.unit is None:
            self.refuse(path, "does not say what it counts", "write `50 messages / 3h` or `500k tokens / 24h`")
            return None
        unit: Unit = "tokens" if line.unit == "tokens" else "messages"
        aliases = tuple(self._groups.get(key, (key,)))
        return Cap(
            id=f"{key}.{unit}", unit=unit, amount=line.amount, window_us=line.window_us, scope=key, models=aliases
        )

    def _read_when(self, path: tuple[str, ...], value: object) -> tuple[WhenCapped, str | None] | None:
        words = str(value).split()
        match words:
            case ["wait" | "refuse" as word]:
                return cast("WhenCapped", word), None
            case ["use", target] if target in self._groups or target in self._models:
                return "use", target
            case ["use", target]:
                known = [*self._models, *self._groups]
                self.refuse(path, f"unknown model or group `{target}`", _did_you_mean(target, known))
            case _:
                self.refuse(path, f"`{value}` is not a choice", "write `use <model or group>`, `wait` or `refuse`")
        return None

    def _whole_number(self, path: tuple[str, ...], value: object) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        self.refuse(path, f"`{value}` is not a whole number above 0", "write a number such as 3")
        return None

    def _with_parents(self, name: str, own: Mapping[str, _Own]) -> _Own:
        seen, what = [name], own[name]
        parent = what.extends
        while parent is not None:
            if parent not in own:
                if len(seen) == 1:
                    self.refuse(("tiers", name, "extends"), f"unknown tier `{parent}`", _did_you_mean(parent, own))
                return what
            if parent in seen:
                if parent == name:
                    circle = " -> ".join([*seen, parent])
                    self.refuse(("tiers", name, "extends"), f"goes round: {circle}", "remove one `extends`")
                return what
            above = own[parent]
            what = _Own(
                lines={**above.lines, **what.lines},
                extends=above.extends,
                when=what.when or above.when,
                priority=what.priority if what.priority is not None else above.priority,
            )
            seen.append(parent)
            parent = above.extends
        return what

    def _tier(self, name: str, what: _Own) -> Tier:
        do, target = what.when or ("refuse", None)
        tier = Tier(name=name, caps=tuple(cap for caps in what.lines.values() for cap in caps))
        aliases = () if target is None else self._groups.get(target, (target,))
        return Tier(
            name=name,
            caps=tier.caps,
            when_capped=do,
            fallback=target,
            fallback_models=tuple(alias for alias in aliases if tier.has(alias)),
            priority=what.priority if what.priority is not None else 1,
        )

    def _check_fallback(self, tier: Tier) -> None:
        path = ("tiers", tier.name, "when_capped")
        if tier.when_capped != "use":
            return
        if not tier.fallback_models:
            cure = f"add a line such as `{tier.fallback}: unlimited`"
            self.refuse(path, f"`{tier.fallback}` is not in this tier", cure)
            return
        capped = [cap for cap in tier.caps if cap.scope is not None and cap.amount is not None]
        if capped and all(cap.counts(alias) for cap in capped for alias in tier.fallback_models):
            cure = "fall back to a model that these caps do not count, or write `refuse`"
            self.refuse(path, f"`{tier.fallback}` is what is capped: the fallback leads back to itself", cure)


def _has_shorter(cap: Cap, caps: Collection[Cap]) -> bool:
    return any(other.unit == cap.unit and other.window_us < cap.window_us for other in caps)


def _when_text(tier: Tier) -> str:
    return f"use {tier.fallback}" if tier.when_capped == "use" else tier.when_capped


def _did_you_mean(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
