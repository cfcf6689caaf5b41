"""What an operator lets demand change: values only. Shares are whole per cent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Signal = Literal["upstream_429", "first_token"]

PERIOD_US = 300_000_000
"""How often the published caps are thought over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Between what the number of answers at once of one upstream of one model moves."""

    least: int
    most: int
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A tier's part in what an upstream takes at once."""

    stops_at: int = 100
    """No more are let in while this much of the limit is taken, by whomever."""
    keeps: int = 0
    """This much of the limit is the tier's whenever it asks for it; others may use it meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How the models of one group, or one model, give way to demand."""

    name: str
    """The group or alias."""
    models: tuple[str, ...]
    tiers: tuple[str, ...]
    """Those whose caps may be lowered, the first to give way first."""
    floors: Mapping[str, int]
    """Of each of `tiers`: the part of the base cap that stays."""
    shares: Mapping[str, Share]
    watch: frozenset[Signal]
    at_once: Bounds | None = None
    """None lets everybody in, whatever the upstream says."""
    step: int = 10
    """By how much a cap is lowered at most in `every_us`; it is raised by half of that."""
    every_us: int = 3 * PERIOD_US
    recover_us: int = 6 * PERIOD_US
    """How long all must be well before a cap is raised."""
    announce: bool = True
    """Whether users are told why their cap is lower."""
    shadow: bool = False
    """Work everything out and change nothing."""

    def floor(self, tier: str) -> int:
        """Return the part of the base cap that `tier` keeps."""
        return self.floors.get(tier, 100)
