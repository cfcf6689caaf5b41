"""What a socket is given beside its connection: the protocol that it speaks, and its patience."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from server.core.errors import Refused
from server.edge.asked import Asked
from server.edge.showing import Show


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What one protocol makes of a socket; pure functions."""

    read: Callable[[dict[str, Any]], Asked | str]
    """A frame's request, or the frame that answers it at once. Raises `Refused`."""
    show: Show
    """The frames of events, those after the position."""
    refuse: Callable[[Refused, str | None], str]
    """The frame of a refusal, in its lane."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a socket lives and how long one send may take, in seconds."""

    lifetime: float = 3600.0
    send: float = 30.0


PATIENT: Final = Patience()
