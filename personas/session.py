"""What is known of one conversation when a message is assembled: who asks, when, and how they steer the persona."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from personas.compiled import Compiled
from personas.problems import InvalidDial
from personas.values import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks, as far as the prompt may know it."""

    name: str = ""
    locale: str | None = None
    tier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The day, for the stable part of the prompt, and the line with the clock time, for the newest message only."""

    date: str
    """Such as 2026-11-23."""
    weekday: str
    """Such as Monday."""
    context: str | None = None
    """Such as `<context>2026-11-23 14:05 Europe/Paris</context>`; None leaves the time out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Everything beside persona and messages that a prompt depends on."""

    now: Now
    count: Callable[[str], int]
    """How many tokens the model sees in a text; asked about knowledge and, where room is bounded, examples."""
    system_role: Literal["system", "developer"] = "system"
    user: User = field(default_factory=User)
    dials: Mapping[str, str] = field(default_factory=dict)
    """The dials that were set; the others stand at their defaults."""
    notes: str | None = None
    developer_text: str | None = None
    """What the developer of an application sent as system text; it comes under house and persona."""
    greeting: int | None = None
    """Which greeting was shown, counted from 0; None if none was."""
    marker: str | None = None
    """Words that betray a leak of the prompt when they appear in a reply."""
    room: int | None = None
    """Most tokens of the whole prompt, of which examples and knowledge take their share; None adds no bound."""


def settle_dials(compiled: Compiled, chosen: Mapping[str, str]) -> Mapping[str, str]:
    """Return the value of every dial of the persona. Raises `InvalidDial`.

    Free text is cleaned and cut to the length that the dial allows.
    """
    declared = compiled.bounds.dials
    for name, value in chosen.items():
        if name not in declared:
            raise InvalidDial(name, value, tuple(declared), declared=False)
    settled = {}
    for name, dial in declared.items():
        value = chosen.get(name, dial.default)
        if dial.text is not None:
            value = clean(value, limit=dial.text.max_chars)
        elif dial.choices is not None and value not in dial.choices:
            raise InvalidDial(name, value, dial.choices, declared=True)
        settled[name] = value
    return settled
