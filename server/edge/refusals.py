"""Refusals that several doors give."""

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.ports import StoreAway


def internal() -> Refused:
    """Return what a client is told of a fault here; what it was stands in the logs."""
    return Refused("internal_error", "Something failed here; `x-request-id` finds it in the logs of this server.")


def store_away() -> Refused:
    """Return the refusal while the database cannot be reached; what was to be read or written may be tried again."""
    return Refused("storage_unavailable", "The database cannot be reached now.", headers={"retry-after": "1"})


def told(failed: Exception) -> Refused:
    """Return what a client is told of a call that failed for no fault of theirs; faults here are for the logs."""
    return store_away() if isinstance(failed, StoreAway) else internal()


def handed_over(live: LiveTurn) -> bool:
    """Return whether the turn goes on in another process because this one leaves."""
    return isinstance(live.lost, Refused) and live.lost.code == "draining"


def lost(live: LiveTurn) -> Refused:
    """Return why a turn that has not ended cannot be followed here any longer."""
    if isinstance(live.lost, Refused):
        return live.lost
    return Refused("storage_unavailable", "This node cannot go on with the answer; ask for it by its id.")
