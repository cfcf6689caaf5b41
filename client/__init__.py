"""Talk to Parley from Python: `Parley` streams answers over one WebSocket, `Rest` asks everything else over HTTP.

Needs only a URL and a key. `events` has what an answer is made of, `errors` what can go wrong; `frames` is the wire
format, pure; `inbox` keeps what arrived for one answer until it is read.
"""

from client.connection import Parley
from client.errors import (
    AnswerFailedError,
    ConnectionLostError,
    ParleyError,
    RefusedError,
    UnreachableError,
)
from client.events import Completed, Created, Delta, Event, Position, ServedBy, Usage
from client.rest import Rest

__all__ = [
    "AnswerFailedError",
    "Completed",
    "ConnectionLostError",
    "Created",
    "Delta",
    "Event",
    "Parley",
    "ParleyError",
    "Position",
    "RefusedError",
    "Rest",
    "ServedBy",
    "UnreachableError",
    "Usage",
]
