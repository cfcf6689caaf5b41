"""What nodes tell each other in passing: topics and hints. Pure.

A hint may be lost, doubled or late. Whoever acts on one finds the truth in the store.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from server.core.events import Event

STOP: Final = b"stop"
"""To a turn's owner: its user has stopped it."""

FOLLOWED: Final = b"followed"
"""To a turn's owner: somebody follows it on another node."""

ORPHANS: Final = "orphans"
"""The topic in which a node tells that it has left turns for others to adopt; the hint says nothing more."""

PERSONAS: Final = "personas"
"""Where nodes are told that other revisions of personas answer; the hint is empty."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Event])


def turn_topic(turn_id: str) -> str:
    """Where a turn's owner tells what was committed."""
    return f"turn:{turn_id}"


def owner_topic(turn_id: str) -> str:
    """Where a turn's owner listens."""
    return f"owner:{turn_id}"


def conversation_topic(conversation_id: str) -> str:
    """Where is told that something in a conversation has changed; the hint says nothing more."""
    return f"conversation:{conversation_id}"


def write_events(events: Sequence[Event]) -> bytes:
    """Return committed events as a hint."""
    return _encoder.encode(list(events))


def read_events(hint: bytes) -> list[Event]:
    """Return the events of a hint. Raises `ValueError` for anything else."""
    return _decoder.decode(hint)
