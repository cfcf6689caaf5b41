"""The reader of the `tiers` section, and of what everyone may use together: every line, or everything that is wrong."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import cast

from ratelimit.caps import Cap, InvalidTiers, Lowered, TableRow, Tier, TierError, Tiers, WhenCapped, Whose
from ratelimit.lines import Line, LineError, Unit, read_line, show_window

__all__ = [
    "Cap",
    "InvalidTiers",
    "Lowered",
    "TableRow",
    "Tier",
    "TierError",
    "Tiers",
    "Unit",
    "WhenCapped",
    "parse_caps",
    "parse_tiers",
]


def parse_tiers(
    raw: object,
    *,
    groups: Mapping[str, Sequence[str]],
    models: Collection[str],
    default_tier: str,
    priced: Collection[str] = (),
    everyone: Mapping[str, object] | None = None,
) -> Tiers:
    """Return the tiers that `raw`, the loaded `tiers` section, describes.

    `priced` are the models whose price is known; a cap in money must count no other. `everyone` are lines that count
    all users together. Every cap that is accepted is enforced. Raises `InvalidTiers` with all errors, not only the
    first.
    """
    reader = _Reader(groups, models, priced)
    shared = reader.read_everyone(everyone or {})
    tiers = reader.read(raw, shared)
    if default_tier not in tiers and not reader.errors:
        reader.refuse(("default_tier",), f"there is no tier `{default_tier}`", _did_you_mean(default_tier, tiers))
    if reader.errors:
        raise InvalidTiers(reader.errors)
    scopes = {name: (name,) for name in models} | {name: tuple(aliases) for name, aliases in groups.items()}
    return Tiers(by_name=tiers, default_tier=default_tier, everyone=shared, scopes=scopes)


def parse_caps(key: str, value: object, scopes: Mapping[str, Sequence[str]]) -> tuple[Cap, ...]:
    """Return the caps of one line that stands outside of any tier. Raises `InvalidTiers`."""
    reader = _Reader(scopes, models=(), priced=())
    if key in _RESERVED - {*_WHOLE, "at_once"}:
        reader.refuse((key,), f"`{key}` is no cap", "write a line such as `gpt-4: 100 messages / 3h`")
    caps = () if reader.errors else reader.read_caps((key,), key, value)
    if reader.errors:
        raise InvalidTiers(reader.errors)
    return caps


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", re.ASCII)
_WHOLE: Mapping[str, Unit] = {"tokens": "tokens", "cost": "cost", "images": "images"}
"""Lines that count a unit of all models together."""
_RESERVED = frozenset({*_WHOLE, "at_once", "priority", "when_capped", "extends", "pool", "each_member", "everyone"})
_NOT_YET = frozenset({"adaptive", "price_id"})
_EXAMPLES = {"tokens": "tokens: 2M / 24h", "cost": "cost: $5 / month", "images": "images: 20 / 24h"}


@dataclass(frozen=True, slots=True)
class _Own:
    """What a tier says: by itself at first, then with what it inherits."""

    lines: Mapping[tuple[Whose, str], tuple[Cap, ...]]
    extends: str | None
    when: tuple[WhenCapped, str | None] | None
    priority: int | None


class _Reader:
    def __init__(self, groups: Mapping[str, Sequence[str]], models: Collection[str], priced: Collection[str]) -> None:
        self._groups, self._models, self._priced = groups, models, priced
        self.errors: list[TierError] = []

    def refuse(self, path: tuple[str, ...], message: str, cure: str) -> None:
        self.errors.append(TierError(path=path, message=message, cure=cure))

    def read_everyone(self, raw: Mapping[str, object]) -> tuple[Cap, ...]:
        lines = self._read_lines(("caps", "everyone"), raw, "everyone")
        return tuple(cap for caps in lines.values() for cap in caps)

    def read(self, raw: object, everyone: tuple[Cap, ...]) -> dict[str, Tier]:
        self._check_names()
        if not isinstance(raw, Mapping) or not raw:
            self.refuse(("tiers",), "is not a list of named tiers", "write at least one `name: {…}`")
            return {}
        own = {str(name): self._read_tier(str(name), body) for name, body in raw.items()}
        whole = {name: self._with_parents(name, own) for name in own}
        tiers = {name: self._tier(name, what, everyone) for name, what in whole.items()}
        for name, tier in tiers.items():
            if own[name].when is not None:
                self._check_fallback(tier)
            self._check_prices(tier, own[name].lines)
        self._check_prices_of_everyone(tiers, everyone)
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
        lines: dict[tuple[Whose, str], tuple[Cap, ...]] = {}
        extends, when, priority = None, None, None
        for key, value in ((str(key), value) for key, value in body.items()):
            path = ("tiers", name, key)
            if key == "extends":
                extends = str(value)
            elif key == "when_capped":
                when = self._read_when(path, value)
            elif key == "priority":
                priority = self._whole_number(path, value)
            elif key == "pool":
                lines |= self._read_lines(path, value, "pool")
            elif key == "each_member":
                lines |= self._read_members(path, value, body)
            elif caps := self.read_caps(path, key, value):
                lines[("user", key)] = caps
        return _Own(lines, extends, when, priority)

    def _read_members(
        self, path: tuple[str, ...], value: object, body: Mapping[object, object]
    ) -> dict[tuple[Whose, str], tuple[Cap, ...]]:
        lines = self._read_lines(path, value, "user")
        for _, key in lines:
            if key in body:
                self.refuse((*path, key), f"`{key}` stands in the tier too", "keep one of the two lines")
        return lines

    def _read_lines(self, path: tuple[str, ...], raw: object, whose: Whose) -> dict[tuple[Whose, str], tuple[Cap, ...]]:
        """Return lines that stand one level deeper than those of a tier."""
        if not isinstance(raw, Mapping):
            self.refuse(path, "is not a list of lines", "write `cost: $2000 / month` under it")
            return {}
        found: dict[tuple[Whose, str], tuple[Cap, ...]] = {}
        for key, value in ((str(key), value) for key, value in raw.items()):
            here = (*path, key)
            if key in _RESERVED - {*_WHOLE, "at_once"}:
                self.refuse(here, f"`{key}` has no meaning here", "write it in the tier itself")
            elif caps := self.read_caps(here, key, value):
                found[(whose, key)] = tuple(
                    cap if whose == "user" else replace(cap, id=f"{whose}.{cap.id}", whose=whose) for cap in caps
                )
        return found

    def read_caps(self, path: tuple[str, ...], key: str, value: object) -> tuple[Cap, ...]:
        if key in _NOT_YET:
            self.refuse(path, f"`{key}` is not enforced yet", "remove the line")
        elif key == "at_once":
            amount = None if value == "unlimited" else self._whole_number(path, value)
            if amount is not None or value == "unlimited":
                return (Cap(id="at_once", unit="concurrent-requests", amount=amount),)
        elif key not in _WHOLE and key not in self._groups and key not in self._models:
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
        if whole := _WHOLE.get(key):
            counted = line.unit or (None if whole == "cost" and line.amount is not None else whole)
            if counted != whole and line.amount is not None:
                self.refuse(path, f"counts {whole}, not {line.unit or 'plain units'}", f"write `{_EXAMPLES[key]}`")
                return None
            return Cap(id=key, unit=whole, amount=line.amount, window_us=line.window_us, opens=line.opens)
        if line.amount is not None and line.unit is None:
            self.refuse(path, "does not say what it counts", "write `50 messages / 3h` or `500k tokens / 24h`")
            return None
        unit: Unit = line.unit or "messages"
        return Cap(
            id=f"{key}.{unit}",
            unit=unit,
            amount=line.amount,
            window_us=line.window_us,
            opens=line.opens,
            scope=key,
            models=tuple(self._groups.get(key, (key,))),
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

    def _tier(self, name: str, what: _Own, everyone: tuple[Cap, ...]) -> Tier:
        do, target = what.when or ("refuse", None)
        tier = Tier(name=name, caps=(*(cap for caps in what.lines.values() for cap in caps), *everyone))
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

    def _check_prices(self, tier: Tier, own: Mapping[tuple[Whose, str], tuple[Cap, ...]]) -> None:
        """Refuse a cap in money on models whose price nobody wrote: it would count them as free."""
        having = [model for model in self._models if tier.has(model)]
        for (whose, key), caps in own.items():
            within = () if whose == "user" else (whose,)
            self._check_priced(("tiers", tier.name, *within, key), caps, having)

    def _check_prices_of_everyone(self, tiers: Mapping[str, Tier], everyone: Sequence[Cap]) -> None:
        having = [model for model in self._models if any(tier.has(model) for tier in tiers.values())]
        for cap in everyone:
            self._check_priced(("caps", "everyone", cap.scope or cap.unit), (cap,), having)

    def _check_priced(self, path: tuple[str, ...], caps: Iterable[Cap], having: Sequence[str]) -> None:
        counted = {
            model: None
            for cap in caps
            if cap.unit == "cost" and cap.amount is not None
            for model in having
            if cap.counts(model) and model not in self._priced
        }
        if counted:
            names = ", ".join(f"`{model}`" for model in counted)
            cure = "write `price: { input: 2.50, output: 10.00 }` for it in `models`; 0 if it costs nothing"
            self.refuse(path, f"counts the cost of {names}, whose price is not known", cure)


def _has_shorter(cap: Cap, caps: Collection[Cap]) -> bool:
    return any(other.unit == cap.unit and other.window_us < cap.window_us for other in caps)


def _did_you_mean(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
