"""Layers of configuration, one over the other, and where each value came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.settings.problems import Path

REPLACED = frozenset({"upstreams", "models", "groups", "tiers", "personas"})
"""Sections of a file that replace the shipped value whole; the others merge by key."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one source; `origins` says for each path where it was written."""

    values: Mapping[str, Any]
    origins: Mapping[Path, str]
    single: bool = False
    """Whether its values override single ones inside the sections that else are replaced whole."""


@dataclass(slots=True)
class Layered:
    """What the layers so far come to."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)

    def lay(self, layer: Layer) -> None:
        """Put `layer` on top."""
        self._origin((), layer)
        for key, value in layer.values.items():
            self._set(self.values, (key,), value, layer, merge=layer.single or key not in REPLACED)

    def where(self, path: Path) -> str:
        """Return where the value at `path`, or the nearest thing around it, was written."""
        for length in range(len(path), 0, -1):
            if found := self.origins.get(path[:length]):
                return found
        return self.origins.get((), "the configuration")

    def _set(self, into: dict[str, Any], path: Path, value: Any, layer: Layer, *, merge: bool) -> None:
        key = str(path[-1])
        below = into.get(key)
        self._origin(path, layer)
        if merge and isinstance(below, dict) and isinstance(value, Mapping):
            for inner, inner_value in value.items():
                self._set(below, (*path, inner), inner_value, layer, merge=True)
            return
        for known in [known for known in self.origins if known[: len(path)] == path and known != path]:
            del self.origins[known]
        self.origins.update({known: at for known, at in layer.origins.items() if known[: len(path)] == path})
        into[key] = dict(value) if isinstance(value, Mapping) else value

    def _origin(self, path: Path, layer: Layer) -> None:
        if path in layer.origins:
            self.origins[path] = layer.origins[path]
