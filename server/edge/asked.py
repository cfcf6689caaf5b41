"""What both families of bodies have in common: how to deliver, who answers, and the parts of a message. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast, get_args

from server.core.errors import Refused
from server.core.records import CallPart, Detail, ImagePart, OutputPart, Part, RefusalPart, TextPart
from server.core.requests import Item, TurnRequest
from server.edge.fields import Fields, unsupported, wrong

MOST_ITEMS: Final = 2_000
MOST_PARTS: Final = 500
MOST_PARTS_TOGETHER: Final = 10_000
"""Of all messages of one request."""
MOST_DIALS: Final = 64
MOST_LIKELY: Final = 20
"""Likely tokens that are told beside each token."""
LONGEST_ID: Final = 255
"""Characters of an id or a name. Refusals repeat names, and look for what is spelled like them."""

_STREAM_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_TEXT_TYPES: Final = frozenset({"text", "input_text", "output_text"})
_IMAGE_TYPES: Final = frozenset({"image_url", "input_image"})

WhenCapped = Literal["use", "wait", "refuse"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer is to be delivered."""

    stream_id: str | None = None
    """The lane; None is the default lane."""
    stream: bool = False
    include_usage: bool = False
    numbered: bool = False
    """Whether the client is told positions where its protocol has none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a turn, and how its answer is to be delivered."""

    request: TurnRequest
    delivery: Delivery


class System(NamedTuple):
    """System text of the caller."""

    text: str


class Dialogue(NamedTuple):
    """What was said, and the caller's system text."""

    items: tuple[Item, ...]
    steering: str | None


def stream_id(fields: Fields) -> str | None:
    """Return the lane that the frame names; None is the default lane."""
    value = fields.given("stream_id")
    if value is not None and not (isinstance(value, str) and _STREAM_ID.fullmatch(value)):
        raise Refused("invalid_stream_id", "'stream_id' must match ^[A-Za-z0-9_.-]{1,256}$.", param="stream_id")
    return value


def request_id(fields: Fields, header: str | None) -> str | None:
    """Return the client's id for this request: the body's field, else the `Idempotency-Key` header."""
    name = "client_request_id"
    value = fields.text(name)
    if value is None:
        name, value = "Idempotency-Key", header
    if value is not None and not (1 <= len(value) <= LONGEST_ID and value.isprintable()):
        raise wrong(name, f"1 to {LONGEST_ID} printable characters")
    return value


def when_capped(fields: Fields) -> WhenCapped | None:
    """Return what the caller prefers at a cap."""
    return cast("WhenCapped | None", fields.choice("when_capped", ("use", "wait", "refuse")))


def dials(fields: Fields, name: str) -> dict[str, str]:
    """Return the persona's dials that are set in the object `name`."""
    found: dict[str, str] = {}
    inner = fields.inner(name)
    if len(inner.values) > MOST_DIALS or any(len(dial) > LONGEST_ID for dial in inner.values):
        raise wrong(
            inner.path, f"an object of at most {MOST_DIALS} members with names of at most {LONGEST_ID} characters"
        )
    for dial, value in inner.values.items():
        if isinstance(value, dict) and value.get("type") == "input_text":
            found[dial] = Fields(value, inner.param(dial)).needed_text("text")
        else:
            found[dial] = inner.needed_text(dial)
    return found


def parts(message: Fields) -> tuple[Part, ...]:
    """Return the content of a message: a string, or an array of parts."""
    content = message.given("content")
    if isinstance(content, str):
        return (TextPart(content),)
    if content is None:
        raise Refused("missing_field", f"'{message.param('content')}' is required.", param=message.param("content"))
    found = tuple(_part(part) for part in message.objects("content", MOST_PARTS))
    if not found:
        raise wrong(message.param("content"), "a string or an array of at least one part")
    return found


def message(message: Fields) -> Item | System:
    """Return what a message of a user, an assistant or the system says."""
    match message.needed_text("role"):
        case "user" | "assistant" as role:
            return Item(role, parts(message))
        case "system" | "developer":
            return System("".join(part.text for part in parts(message) if isinstance(part, TextPart)))
        case _:
            raise wrong(message.param("role"), "one of user, assistant, system, developer")


def output(fields: Fields, call_id: str, text: str) -> Item:
    """Return the output of a function: the id of its call and what it gave back are in these fields."""
    named = fields.needed_text(call_id, LONGEST_ID)
    if isinstance(fields.given(text), str):
        return Item("tool", (OutputPart(named, fields.needed_text(text)),))
    found = [_part(part) for part in fields.objects(text, MOST_PARTS)]
    for place, part in enumerate(found):
        if not isinstance(part, TextPart):
            raise unsupported(f"{fields.param(text)}[{place}]", "An output that is not text is")
    return Item("tool", (OutputPart(named, "".join(part.text for part in found if isinstance(part, TextPart))),))


def call(call_id: str, function: Fields) -> CallPart:
    """Return a call that an assistant made before."""
    return CallPart(call_id, function.needed_text("name", LONGEST_ID), function.needed_text("arguments"))


def dialogue(said: Sequence[Item | System], name: str, opening: str | None, *, generate: bool) -> Dialogue:
    """Divide what came in the field `name` into what was said and the caller's system text.

    The system text begins with `opening` and is joined in order, with blank lines. What was said ends with the user or
    with outputs of functions, unless nothing is to be generated. An assistant's calls belong to what it said before.
    """
    if sum(len(one.parts) for one in said if isinstance(one, Item)) > MOST_PARTS_TOGETHER:
        raise wrong(name, f"messages of at most {MOST_PARTS_TOGETHER} parts together")
    items: list[Item] = []
    steering = [opening] if opening else []
    for one in said:
        if isinstance(one, System):
            steering.append(one.text)
        elif items and _continues(items[-1], one):
            items[-1] = Item("assistant", (*items[-1].parts, *one.parts))
        else:
            items.append(one)
    if generate and not (items and items[-1].role != "assistant"):
        raise Refused(
            "invalid_value",
            "The last message must be the user's, or outputs of functions.",
            param=f"{name}[{len(said) - 1}]" if said else name,
        )
    return Dialogue(tuple(items), "\n\n".join(steering) or None)


def _continues(earlier: Item, later: Item) -> bool:
    return earlier.role == later.role == "assistant" and all(isinstance(part, CallPart) for part in later.parts)


def _part(part: Fields) -> Part:
    kind = part.needed_text("type")
    if kind in _TEXT_TYPES:
        return TextPart(part.needed_text("text"))
    if kind == "refusal":
        return RefusalPart(part.needed_text("refusal"))
    if kind in _IMAGE_TYPES:
        return _image(part)
    raise unsupported(part.param("type"), f"Content of type '{kind[:64]}' is")


def _image(part: Fields) -> Part:
    """Return an image by what the client sent: `image_url` of either protocol, or `file_id`."""
    file_id = part.text("file_id", LONGEST_ID)
    given = part.inner("image_url") if isinstance(part.given("image_url"), dict) else part
    place = "image_url" if given is part else "url"
    source = file_id or given.needed_text(place)
    if not source.startswith(("data:", "file-")):
        raise unsupported(given.param(place), "Fetching images from addresses (send a data URL, or upload a file) is")
    return ImagePart(source, cast("Detail", given.choice("detail", get_args(Detail)) or "auto"))
