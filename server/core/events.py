"""The log of one turn: what the engine writes and every door renders.

A sequence number belongs to one frame of the Responses protocol. An event that stands for several frames takes as many
numbers (`SPAN`), so that a position means the same at every door and never moves. Numbers rise and may skip.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from server.core.records import Outcome

Kind = Literal["message", "refusal", "reasoning", "function_call"]
"""What an output item is; a refusal is a message that refuses."""


class Opened(Struct, frozen=True, tag="opened"):
    """The turn is stored: `response.created`, `response.in_progress`."""

    seq: int


class ItemOpened(Struct, frozen=True, tag="item", omit_defaults=True):
    """An output item begins: `output_item.added`, and of all but calls `content_part.added`."""

    seq: int
    index: int
    item_id: str
    kind: Kind = "message"
    call_id: str = ""
    """What the provider calls a function call; its output comes back under this id."""
    name: str = ""
    """Of the function that is called."""


class Delta(Struct, frozen=True, tag="delta", omit_defaults=True, gc=False):
    """Text was added to the item `index`. A coalesced delta carries the last number that it covers."""

    seq: int
    index: int
    text: str
    logprobs: str = ""
    """What was asked about the tokens that have come with it: objects of JSON, with commas between them."""


class ItemClosed(Struct, frozen=True, tag="closed"):
    """The item is whole: the text is done (or a call's arguments), its part is (not of a call), the item is."""

    seq: int
    index: int
    status: Literal["completed", "incomplete"] = "completed"


class Ended(Struct, frozen=True, tag="ended"):
    """The last event: `response.completed`, `.incomplete` or `.failed`."""

    seq: int
    outcome: Outcome


Event = Opened | ItemOpened | Delta | ItemClosed | Ended

SPAN: Final[Mapping[type, int]] = {Opened: 2, ItemOpened: 2, Delta: 1, ItemClosed: 3, Ended: 1}
"""How many sequence numbers an event takes; `seq` is the first of them."""


def last_seq(event: Event) -> int:
    """Return the last sequence number that `event` takes."""
    return event.seq + SPAN[type(event)] - 1
