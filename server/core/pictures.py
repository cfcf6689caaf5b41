"""What an image counts in tokens, by the rules that providers document. Pure."""

from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Final

PATCH: Final = 32
"""Pixels of a patch's side."""

_LONGEST, _SHORTER, _TILE = 2048, 768, 512


@dataclass(frozen=True, slots=True)
class Tiles:
    """Counts squares of 512 pixels, once the image is scaled to the size that the model looks at."""

    base: int
    per_tile: int

    def count(self, width: int, height: int, detail: str) -> int:
        """Return the tokens of an image of this many pixels."""
        if detail == "low":
            return self.base
        scale = min(1.0, _LONGEST / max(width, height))
        scale *= min(1.0, _SHORTER / (min(width, height) * scale))
        across, down = ceil(round(width * scale) / _TILE), ceil(round(height * scale) / _TILE)
        return self.base + self.per_tile * across * down


@dataclass(frozen=True, slots=True)
class Patches:
    """Counts squares of 32 pixels, `most` of them at the most, each `times` tokens."""

    most: int
    times: float = 1.0

    def count(self, width: int, height: int, detail: str) -> int:  # noqa: ARG002  as all rules are asked
        """Return the tokens of an image of this many pixels; every detail counts alike."""
        scale = min(1.0, _LONGEST / max(width, height))
        wide, high = width * scale, height * scale
        patches = ceil(wide / PATCH) * ceil(high / PATCH)
        if patches > self.most:
            shrink = sqrt(PATCH * PATCH * self.most / (wide * high))
            across, down = wide * shrink / PATCH, high * shrink / PATCH
            if across >= 1 and down >= 1:
                shrink *= min(floor(across) / across, floor(down) / down)
            patches = min(self.most, max(1, ceil(int(wide * shrink) / PATCH) * ceil(int(high * shrink) / PATCH)))
        return ceil(patches * self.times)


ImageTokens = Tiles | Patches

UNKNOWN: Final = Patches(2500)
"""Where nobody says how a model counts: what the newest ones do."""
