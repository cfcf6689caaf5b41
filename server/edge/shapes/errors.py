"""The one shape of a refusal, at every door."""

from typing import Any, Literal

from server.edge.shapes.shape import Sent, absent


class ReachedLimit(Sent):
    """The cap that refused."""

    id: str
    cap: int
    used: int
    """What is in flight included."""
    unit: str
    window_seconds: int | None


class WayOut(Sent):
    """What the user may do instead."""

    do: Literal["continue", "wait", "upgrade"]
    model: str = absent()
    tier: str = absent()


class Error(Sent):
    """Why a call was not served. The codes are those of docs/errors.md."""

    message: str
    type: str
    param: str | None
    code: str
    headers: dict[str, str] = absent()
    """On sockets: the headers that HTTP would have, such as `retry-after`."""
    limit: ReachedLimit | None = absent()
    next_at: str | None = absent()
    """When the same call is served, RFC 3339."""
    retry_after_seconds: int | None = absent()
    at_most: bool = absent()
    """Whether it may be sooner than `next_at`, because something is in flight."""
    full_at: str | None = absent()
    charged: bool = absent()
    options: list[WayOut] = absent()
    tiers: list[str] = absent()
    """The tiers that have the model, where this one does not."""
    problems: list[dict[str, Any]] = absent()
    """Of a persona's text: each line and its cure."""


class ErrorBody(Sent):
    """The body of a refused call."""

    error: Error
