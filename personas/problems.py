"""What can be wrong: problems of a file, with their line and their cure, and the refusals that carry them."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

MAX_PROBLEMS = 50
"""No file is told more problems than anyone would read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct in one file. `line` counts from 1; `code` is stable, the words are not."""

    path: str
    line: int
    code: str
    message: str
    cure: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}: {self.message} {self.cure}".rstrip()


class PersonaRefused(Exception):  # noqa: N818  # the word of the glossary
    """A persona has errors and cannot be used; `problems` has at least one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownPersona(Exception):  # noqa: N818  # the word of the glossary
    """No persona has this name; `near` has the names that look like it, the nearest first."""

    def __init__(self, name: str, near: Sequence[str] = ()) -> None:
        self.name = name
        self.near = tuple(near)
        super().__init__(f"There is no persona {name!r}.{did_you_mean(self.near)}")


class UnknownGreeting(Exception):  # noqa: N818  # the word of the glossary
    """The persona has no greeting with this index; greetings count from 0."""

    def __init__(self, index: int, count: int) -> None:
        self.index = index
        self.count = count
        super().__init__(f"There is no greeting {index}: the persona has {count}, counted from 0.")


class InvalidDial(Exception):  # noqa: N818  # the word of the glossary
    """A dial is not declared, or not with this value; `allowed` has the dials or the values that are."""

    def __init__(self, name: str, value: str, allowed: Sequence[str], *, declared: bool) -> None:
        self.name = name
        self.value = value
        self.allowed = tuple(allowed)
        self.declared = declared
        choices = ", ".join(self.allowed)
        if declared:
            message = f"The dial {name!r} has no value {value!r}; it has: {choices}."
        elif choices:
            message = f"The persona has no dial {name!r}; it has: {choices}."
        else:
            message = f"The persona has no dial {name!r}; it has none."
        super().__init__(message)


class NotesRefused(Exception):  # noqa: N818  # the word of the glossary
    """The persona takes no notes (`max_chars` is None) or none of this length."""

    def __init__(self, length: int, max_chars: int | None) -> None:
        self.length = length
        self.max_chars = max_chars
        if max_chars is None:
            message = "This persona takes no notes."
        else:
            message = f"Notes to this persona have at most {max_chars} characters; these have {length}."
        super().__init__(message)


def near(name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the names in `known` that `name` may have meant, the nearest first."""
    return tuple(get_close_matches(name, known, n=3, cutoff=0.6))


def did_you_mean(names: Sequence[str]) -> str:
    """Return a question to append to a message, or nothing."""
    return f" Did you mean {' or '.join(names)}?" if names else ""
