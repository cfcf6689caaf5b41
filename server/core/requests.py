"""What a door asks of the engine: one neutral form for every protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from server.core.functions import Functions
from server.core.records import Part, Sampling

NEW_CONVERSATION = "new"
"""Given as `conversation`, it asks for a new stored conversation whose id comes back with the answer."""

CURRENT_LEAF = ""
"""As `parent`: the message from which the conversation goes on."""


@dataclass(frozen=True, slots=True)
class Item:
    """One message of the input; the role `tool` has outputs of functions."""

    role: Literal["user", "assistant", "tool"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRequest:
    """One turn, as a client asked for it; nothing in it has been checked against what exists."""

    items: tuple[Item, ...]
    """Oldest first; the last one is the newest user message, or outputs of functions. None with `regenerate`."""
    model: str | None = None
    """An alias or `persona:name[@n]`; None takes the persona's or the configuration's default."""
    persona: str | None = None
    """`name` or `name@n`."""
    dials: Mapping[str, str] = field(default_factory=dict)
    steering: str | None = None
    """System text or instructions of the caller: a developer's come under the house, a user's become notes."""
    notes: str | None = None
    """What the user tells of themselves, whoever sends it: quoted as the user's words."""
    previous_id: str | None = None
    conversation: str | None = None
    """A conversation's id or `NEW_CONVERSATION`; never together with `previous_id`."""
    parent: str | None = CURRENT_LEAF
    """The message of `conversation` that the first item answers to; None begins at the root."""
    regenerate: str | None = None
    """A response whose question is answered once more, in place of items."""
    greeting: int | None = None
    store: bool = True
    sampling: Sampling = field(default_factory=Sampling)
    functions: Functions | None = None
    background: bool = False
    """Go on for as long as it takes, followed or not."""
    when_capped: Literal["use", "wait", "refuse"] | None = None
    """What this caller prefers at a cap, where the tier leaves the choice."""
    generate: bool = True
    """False asks for an id without an answer, to prepare a later turn."""
    client_request_id: str | None = None
    body_digest: str = ""
    door: str = ""
    echo: Mapping[str, Any] = field(default_factory=dict)
