"""The `adaptive` section of a configuration: its words to rules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast, get_args

from ratelimit.adaptive.rules import PERIOD_US, Bounds, Rule, Share, Signal
from ratelimit.lines import LineError, read_window
from ratelimit.tiers import InvalidTiers, TierError, Tiers

_KEYS: Final = ("watch", "at_once", "give_way", "keep", "never_below", "change", "announce", "shadow")
_PERCENT: Final = re.compile(r"(\d{1,3})\s*%", re.ASCII)
_STEP: Final = re.compile(r"(\d{1,3})\s*%\s*/\s*(\S+)", re.ASCII)

Path = tuple[str, ...]


def parse_adaptive(raw: object, *, groups: Mapping[str, Sequence[str]], tiers: Tiers) -> tuple[Rule, ...]:
    """Return the rules that `raw`, the loaded `adaptive` section, describes.

    Raises `InvalidTiers` with all errors: what is not known, and what contradicts itself or the tiers.
    """
    reader = _Reader(groups, tiers)
    rules = tuple(reader.rules(raw))
    if reader.errors:
        raise InvalidTiers(reader.errors)
    return rules


class _Reader:
    def __init__(self, groups: Mapping[str, Sequence[str]], tiers: Tiers) -> None:
        self._groups, self._tiers = groups, tiers
        self._models = {model for tier in tiers.by_name.values() for cap in tier.caps for model in cap.models}
        self._taken: dict[str, str] = {}
        self.errors: list[TierError] = []

    def refuse(self, path: Path, message: str, cure: str) -> None:
        self.errors.append(TierError(path=path, message=message, cure=cure))

    def rules(self, raw: object) -> Iterator[Rule]:
        if not isinstance(raw, Mapping):
            self.refuse(("adaptive",), "is not a list of groups or models", "write `premium: {…}` under it")
            return
        for name, body in raw.items():
            path = ("adaptive", str(name))
            models = tuple(self._groups.get(name, (name,)))
            if unknown := [model for model in models if model not in self._models]:
                self.refuse(path, f"`{unknown[0]}` is not a model of any tier", "name a group or a model of a tier")
                continue
            if not isinstance(body, Mapping):
                self.refuse(path, "is not a list of lines", "write `at_once: {…}` or `never_below: {…}` under it")
                continue
            for model in models:
                if other := self._taken.setdefault(model, str(name)) if model in self._taken else None:
                    self.refuse(path, f"`{model}` is watched by `{other}` already", "name each model once")
                self._taken[model] = str(name)
            yield self._rule(path, models, body)

    def _rule(self, path: Path, models: tuple[str, ...], body: Mapping[str, Any]) -> Rule:
        for key in body:
            if key not in _KEYS:
                self.refuse((*path, key), "is not known here", f"known: {', '.join(_KEYS)}")
        floors = self._percents((*path, "never_below"), body.get("never_below", {}))
        step, every, recover = self._change((*path, "change"), body.get("change", {}))
        return Rule(
            name=path[-1],
            models=models,
            tiers=tuple(sorted(floors, key=lambda name: self._tiers.tier(name).priority)),
            floors=floors,
            shares=self._shares(path, body),
            watch=self._watch((*path, "watch"), body.get("watch", list(get_args(Signal)))),
            at_once=self._bounds((*path, "at_once"), body["at_once"]) if "at_once" in body else None,
            step=step,
            every_us=every,
            recover_us=recover,
            announce=self._yes((*path, "announce"), body.get("announce", True)),
            shadow=self._yes((*path, "shadow"), body.get("shadow", False)),
        )

    def _watch(self, path: Path, raw: object) -> frozenset[Signal]:
        known = get_args(Signal)
        if not isinstance(raw, list) or any(one not in known for one in raw):
            self.refuse(path, f"`{raw}` is not a list of signals", f"write some of [{', '.join(known)}]")
            return frozenset()
        return frozenset(cast("list[Signal]", raw))

    def _bounds(self, path: Path, raw: object) -> Bounds:
        found = dict(raw) if isinstance(raw, Mapping) else {}
        numbers = [found.get("least", 1), found.get("most"), found.get("start", found.get("most"))]
        whole = all(isinstance(one, int) and not isinstance(one, bool) for one in numbers)
        if found.keys() - {"least", "most", "start"} or not whole:
            self.refuse(path, f"`{raw}` is not a range", "write `{ least: 5, start: 50, most: 200 }`")
        elif not 1 <= numbers[0] <= numbers[2] <= numbers[1]:
            self.refuse(path, "goes the wrong way", "write 1 <= least <= start <= most")
        else:
            return Bounds(least=numbers[0], most=numbers[1], start=numbers[2])
        return Bounds(least=1, most=1, start=1)

    def _shares(self, path: Path, body: Mapping[str, Any]) -> dict[str, Share]:
        stops = self._percents((*path, "give_way"), body.get("give_way", {}))
        keeps = self._percents((*path, "keep"), body.get("keep", {}))
        if sum(keeps.values()) > 100:  # noqa: PLR2004  per cent
            self.refuse((*path, "keep"), "keeps more than there is", "write shares that come to at most 100%")
        if (stops or keeps) and "at_once" not in body:
            self.refuse(path, "shares what has no bounds", "add `at_once: { least: 5, start: 50, most: 200 }`")
        for tier, keep in keeps.items():
            if keep > stops.get(tier, 100):
                self.refuse(
                    (*path, "keep", tier),
                    "is more than the share at which it gives way",
                    "raise `give_way`, or lower it",
                )
        return {
            tier: Share(stops_at=stops.get(tier, 100), keeps=keeps.get(tier, 0)) for tier in stops.keys() | keeps.keys()
        }

    def _percents(self, path: Path, raw: object) -> dict[str, int]:
        if not isinstance(raw, Mapping):
            self.refuse(path, f"`{raw}` is not a share for each tier", "write `{ free: 20%, plus: 60% }`")
            return {}
        found = {}
        for tier, value in raw.items():
            match = _PERCENT.fullmatch(str(value))
            if tier not in self._tiers.by_name:
                self.refuse(
                    (*path, str(tier)), f"there is no tier `{tier}`", f"known: {', '.join(self._tiers.by_name)}"
                )
            elif match is None or not 0 <= int(match[1]) <= 100:  # noqa: PLR2004  per cent
                self.refuse((*path, str(tier)), f"`{value}` is not a share", "write 0% to 100%")
            else:
                found[str(tier)] = int(match[1])
        return found

    def _change(self, path: Path, raw: object) -> tuple[int, int, int]:
        found = dict(raw) if isinstance(raw, Mapping) else {"": raw}
        step, every, recover = 10, 3 * PERIOD_US, 6 * PERIOD_US
        if found.keys() - {"at_most", "recover_after"}:
            self.refuse(path, f"`{raw}` is not a pace", "write `{ at_most: 10% / 15m, recover_after: 30m }`")
            return step, every, recover
        try:
            if "at_most" in found:
                step, every = _step(str(found["at_most"]))
            if "recover_after" in found:
                recover = read_window(str(found["recover_after"]))
        except LineError as error:
            self.refuse(path, error.message, error.cure)
        if min(every, recover) < PERIOD_US:
            self.refuse(path, "is faster than caps are thought over", "write at least 5m")
        return step, every, recover

    def _yes(self, path: Path, raw: object) -> bool:
        if not isinstance(raw, bool):
            self.refuse(path, f"`{raw}` is not a choice", "write true or false")
        return raw is True


def _step(text: str) -> tuple[int, int]:
    """Return the per cent and the microseconds of `10% / 15m`. Raises `LineError`."""
    match = _STEP.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= 50:  # noqa: PLR2004  more than half is no step
        raise LineError(f"`{text}` is not a step", "write `10% / 15m`, from 1% to 50%")
    return int(match[1]), read_window(match[2])
