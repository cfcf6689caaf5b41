"""Where a request stands: after a response, in a conversation, on a branch of it, or beside an old answer. Pure."""

from dataclasses import dataclass

from server.core.errors import Refused
from server.core.items import message_id
from server.core.requests import CURRENT_LEAF, NEW_CONVERSATION
from server.edge.asked import LONGEST_ID
from server.edge.completions_render import turn_id
from server.edge.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """As `TurnRequest` has it."""

    previous_id: str | None
    conversation: str | None
    parent: str | None
    regenerate: str | None


def place(fields: Fields, *, previous_id: str | None = None) -> Place:
    """Return the place that a body names. Raises `Refused`, naming the field that contradicts another."""
    found = Place(
        previous_id=previous_id,
        conversation=_conversation(fields),
        parent=_parent(fields),
        regenerate=_regenerate(fields),
    )
    branches = found.parent != CURRENT_LEAF
    if found.previous_id is not None and found.conversation is not None:
        raise _together("previous_response_id", "conversation")
    if branches and found.conversation in {None, NEW_CONVERSATION}:
        raise Refused("invalid_value", "'parent' needs the 'conversation' that it is in.", param="parent")
    if found.regenerate is not None:
        if found.previous_id is not None:
            raise _together("regenerate", "previous_response_id")
        if branches:
            raise _together("regenerate", "parent")
    return found


def no_input(said: object, name: str) -> None:
    """Refuse what is said beside `regenerate`, which answers what was said before."""
    if said:
        raise _together("regenerate", name)


def _conversation(fields: Fields) -> str | None:
    """Return the conversation that is named, as a string or as an object with its `id`."""
    if isinstance(fields.given("conversation"), dict):
        return fields.inner("conversation").needed_text("id", LONGEST_ID)
    return fields.text("conversation", LONGEST_ID)


def _parent(fields: Fields) -> str | None:
    if "parent" not in fields.values:
        return CURRENT_LEAF
    named = fields.text("parent", LONGEST_ID)
    return None if named is None else message_id(named)


def _regenerate(fields: Fields) -> str | None:
    named = fields.text("regenerate", LONGEST_ID)
    return None if named is None else turn_id(named)


def _together(param: str, other: str) -> Refused:
    return Refused("invalid_value", f"'{param}' and '{other}' cannot be given together.", param=param)
