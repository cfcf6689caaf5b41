"""Refusals that several doors give."""

from server.chat.live import LiveTurn
from server.core.errors import Refused


def internal() -> Refused:
    """Return what a client is told of a fault here; what it was stands in the logs."""
    return Refused("internal_error", "Something failed here; `x-request-id` finds it in the logs of this server.")


def lost(live: LiveTurn) -> Refused:
    """Return why a turn that has not ended cannot be followed here any longer."""
    if isinstance(live.lost, Refused):
        return live.lost
    return Refused("storage_unavailable", "This node cannot go on with the answer; ask for it by its id.")
