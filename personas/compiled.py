"""A persona composed with all it extends: everything an assembly needs, with a digest that is its identity."""

import hashlib
import json
from functools import lru_cache
from typing import Literal

from personas.fields import Profile, Strict


class Passage(Strict):
    """A section of the finished text, not yet rendered; the opening has the heading ""."""

    heading: str
    text: str


@lru_cache(maxsize=16)
def same(house: tuple[Passage, ...]) -> tuple[Passage, ...]:
    """Return the passages that are equal to these: all personas of a deployment stand under one house, and share it."""
    return house


class Compiled(Profile):
    """A persona as it is stored and used. Frozen; its digest is its identity."""

    spec: Literal["compiled/1"]
    house: tuple[Passage, ...]
    """The operator's own text, which always comes first."""
    body: tuple[Passage, ...]

    def to_json(self) -> str:
        """Return the canonical JSON: sorted keys, no spaces, defaults left out."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Compiled":
        """Read what `to_json` wrote. Raises `pydantic.ValidationError` (a `ValueError`) for anything else."""
        read = cls.model_validate_json(text, strict=True)
        return read.model_copy(update={"house": same(read.house)})

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON, in hex: the identity of a revision."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()
