"""What is wrong with a configuration: where, what, and the way out."""

from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The keys and indexes that lead to a value: `("models", "gpt-4", "upstreams", 0)`."""


def dotted(path: Path) -> str:
    """Return `path` as people write it: `models.gpt-4.upstreams[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a path; the file and line are not known yet, but for what came from elsewhere."""

    path: Path
    message: str
    cure: str
    where: str | None = None


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """A finding with the place that it came from: `parley.yaml:12`, `PARLEY_LISTEN`, `the shipped defaults`."""

    where: str
    path: str
    message: str
    cure: str

    def __str__(self) -> str:
        at = f"{self.where}: {self.path}" if self.path else self.where
        return f"{at}: {self.message} {self.cure}".rstrip()


class ConfigError(Exception):
    """The configuration cannot be used; every problem that could be found is in `problems`."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
