"""Talk to Parley from Python: `Parley` streams answers over WebSockets, `Rest` asks everything else over HTTP.

Needs only a URL and a key. `events` has what an answer is made of, `errors` what can go wrong. What becomes of answers
whose connections come and go is decided in pure code: `session` for all of them, `answer` for one, `follows` for
conversations, `backoff` for when to try again, `frames` for the wire format. `connection` does what they say; `inbox`
keeps what was not read yet.
"""

from client.connection import Parley
from client.errors import (
    AnswerFailedError,
    ConnectionLostError,
    ParleyError,
    RefusedError,
    UnreachableError,
)
from client.events import (
    Call,
    Completed,
    Created,
    Deleted,
    Delta,
    Event,
    Failed,
    Followed,
    Happening,
    Interrupted,
    Moved,
    Position,
    Retitled,
    ServedBy,
    TurnBegun,
    Usage,
)
from client.rest import Rest

__all__ = [
    "AnswerFailedError",
    "Call",
    "Completed",
    "ConnectionLostError",
    "Created",
    "Deleted",
    "Delta",
    "Event",
    "Failed",
    "Followed",
    "Happening",
    "Interrupted",
    "Moved",
    "Parley",
    "ParleyError",
    "Position",
    "RefusedError",
    "Rest",
    "Retitled",
    "ServedBy",
    "TurnBegun",
    "UnreachableError",
    "Usage",
]
