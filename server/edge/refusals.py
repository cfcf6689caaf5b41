"""Refusals that several doors give."""

from server.core.errors import Refused


def internal() -> Refused:
    """Return what a client is told of a fault here; what it was stands in the logs."""
    return Refused("internal_error", "Something failed here; `x-request-id` finds it in the logs of this server.")


def draining() -> Refused:
    """Return the refusal of a node that goes down."""
    return Refused("draining", "This node is shutting down; connect again.", headers={"retry-after": "1"})
