"""What a session asks of whoever has the sockets and the readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.errors import ParleyError
from client.events import Happening


@dataclass(frozen=True, slots=True)
class Send:
    """Send the frame over the connection."""

    frame: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect to the address of this number after so many seconds, and say what came of it."""

    after: float
    address: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Close the connection after so many seconds, and say so; what is still to be sent need not be."""

    after: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the reader of an answer, or of a conversation that is followed."""

    reader: object
    """The `Answer` or `Follow` that the session was given."""
    what: Happening | ParleyError


@dataclass(frozen=True, slots=True)
class TellCaps:
    """Tell what the server says of the caps."""

    usage: Mapping[str, Any]


Command = Send | Connect | Leave | Tell | TellCaps
