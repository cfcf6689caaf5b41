"""What demand and operators have made of the caps: one text that all nodes share, and the pins in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from ratelimit.adaptive import Pin, Published, Rule
from server.core.errors import Refused
from server.core.ports import Clock
from server.core.ports_operator import Audit, Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The published parts and the operators' pins, by rule."""

    period: int = 0
    """The last period that was thought over, so that one node does it for all."""
    published: Mapping[str, Published] = field(default_factory=dict)
    pins: Mapping[str, Pin] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> "Demand":
        """Return what was written."""
        return msgspec.json.decode(text, type=cls) if text else cls()

    @property
    def text(self) -> str:
        """The same as JSON."""
        return msgspec.json.encode(self).decode()

    def part(self, rule: Rule, tier: str) -> int:
        """Return the thousandths of their base cap that a tier has."""
        pin = self.pins.get(rule.name)
        if pin is not None and tier in pin.parts:
            return pin.parts[tier]
        return self.published.get(rule.name, Published()).part(tier)


class Pins:
    """Caps that operators fix by hand. They hold on every node within a second, until they are taken away."""

    def __init__(self, *, document: Document, audit: Audit, rules: Sequence[Rule], clock: Clock) -> None:
        self._document, self._audit, self._clock = document, audit, clock
        self._rules = {rule.name: rule for rule in rules}

    async def demand(self) -> tuple[Sequence[Rule], Demand]:
        """Return the rules, and what holds."""
        return list(self._rules.values()), Demand.read(await self._document.read())

    async def pin(self, name: str, parts: Mapping[str, int], *, by: str, reason: str) -> Pin:
        """Fix parts of a rule's caps, in thousandths by tier; with none, all as they are now. Raises `Refused`."""
        rule = self._rule(name)
        for tier, part in parts.items():
            if tier not in rule.tiers or not 10 * rule.floor(tier) <= part <= 1000:  # noqa: PLR2004  thousandths
                known = ", ".join(f"{one} from {rule.floor(one)}% to 100%" for one in rule.tiers)
                raise Refused(
                    "invalid_value",
                    f"Under {name} the tier {tier} cannot have {part / 10:g}%; there are: {known or 'none'}.",
                    param="parts",
                )
        pin = Pin(parts=dict(parts), by=by, reason=reason, at=self._clock.now())

        def pinned(text: str | None) -> str:
            nonlocal pin
            demand = Demand.read(text)
            if not parts:
                pin = replace(pin, parts={tier: demand.part(rule, tier) for tier in rule.tiers})
            return replace(demand, pins={**demand.pins, name: pin}).text

        await self._document.change(pinned)
        await self._note(by, "caps pinned", rule=name, parts=dict(pin.parts), reason=reason)
        return pin

    async def unpin(self, name: str, *, by: str) -> bool:
        """Let a rule's caps move again; False if they were not fixed. Raises `Refused`."""
        self._rule(name)
        was = False

        def unpinned(text: str | None) -> str | None:
            nonlocal was
            demand = Demand.read(text)
            was = name in demand.pins
            left = {one: pin for one, pin in demand.pins.items() if one != name}
            return replace(demand, pins=left).text if was else None

        await self._document.change(unpinned)
        if was:
            await self._note(by, "caps unpinned", rule=name)
        return was

    def _rule(self, name: str) -> Rule:
        if name not in self._rules:
            known = ", ".join(self._rules) or "none; `adaptive` in the configuration is empty"
            raise Refused("not_found", f"No rule of `adaptive` is called {name}. There are: {known}.", param="rule")
        return self._rules[name]

    async def _note(self, by: str, what: str, **detail: object) -> None:
        await self._audit.note(who=by, what=what, at=self._clock.now(), detail=detail)
