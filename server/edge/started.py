"""What the headers of an answer tell of the turn that it follows."""

from server.chat.claims import Started


def headers_of(started: Started) -> dict[str, str]:
    """Return the headers of the caps, and whether the turn had been accepted before."""
    return {**started.headers, **({"idempotent-replay": "true"} if started.replayed else {})}
