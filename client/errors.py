"""What can go wrong.

ParleyError
├── RefusedError            the server said no: nothing was stored, nothing was charged
├── AnswerFailedError       an answer began and broke off; what arrived is stored
├── ConnectionLostError     no connection could be had for too long, or the server closed it for good
└── UnreachableError        there is nobody at the address
"""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from client.events import Position


class ParleyError(Exception):
    """Any failure of a call to Parley."""


class RefusedError(ParleyError):
    """The server did not serve the call; `code` is one of docs/errors.md."""

    def __init__(
        self,
        *,
        code: str,
        message: str,
        status: int,
        param: str | None = None,
        limit: Mapping[str, Any] | None = None,
        next_at: datetime | None = None,
        retry_after_seconds: float | None = None,
        options: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.param = param
        self.limit = limit
        """The cap that was reached, at `usage_cap_reached`."""
        self.next_at = next_at
        """When the same call will be served, exactly, if it is a cap that refuses it."""
        self.retry_after_seconds = retry_after_seconds
        self.options = tuple(options)
        """What the caller can do instead."""


class AnswerFailedError(ParleyError):
    """The answer broke off at the server's side."""

    def __init__(self, *, code: str, message: str, response_id: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.response_id = response_id


class ConnectionLostError(ParleyError):
    """There is no connection any more, and the answer was not seen to its end; it goes on at the server without one.

    `come_back` says whether connecting again makes sense, `position` where to go on: `Parley.resume` takes it.
    """

    def __init__(self, *, code: int, reason: str, position: Position | None = None) -> None:
        super().__init__(f"The connection closed ({code} {reason})." if reason else f"The connection closed ({code}).")
        self.code = code
        self.reason = reason
        self.position = position
        self.come_back = code in {1001, 1005, 1006, 1011, 1012, 1013}


class UnreachableError(ParleyError):
    """No server answers at the address."""

    @classmethod
    def at(cls, url: str, error: BaseException | str) -> "UnreachableError":
        """Return the error for `url` with what the system says of `error`, in its words and not in its numbers."""
        number = getattr(error, "errno", None)
        # Numbers of name look-ups are negative and not the system's.
        reason = os.strerror(number) if number and number > 0 else str(error) or type(error).__name__
        return cls(f"No Parley answers at {url} ({reason}).")
