"""The images of requests: taken in before anything else looks at them, and kept with the turn that brought them."""

import asyncio
import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from server.core.errors import Refused
from server.core.ports import Clock
from server.core.ports_images import Cleaner, Images, Picture, Size
from server.core.records import Actor, ImagePart, Message, Turn
from server.core.requests import TurnRequest

MOST_IMAGES: Final = 20
"""Images that one request may bring."""

FILE: Final = "file-"


@dataclass(frozen=True, slots=True)
class Taken:
    """A request whose images are known, and those of them that came with it and are not kept yet."""

    request: TurnRequest
    new: Sequence[Picture] = ()


class Pictures:
    """Makes images of requests harmless, and keeps those of turns."""

    def __init__(self, *, cleaner: Cleaner, images: Images, clock: Clock) -> None:
        self._cleaner, self._images, self._clock = cleaner, images, clock

    async def taken(self, actor: Actor, request: TurnRequest) -> Taken:
        """Return the request with what its images are. Nothing is kept. Raises `Refused`."""
        named = dict.fromkeys(part.id for item in request.items for part in item.parts if isinstance(part, ImagePart))
        if not named:
            return Taken(request)
        if len(named) > MOST_IMAGES:
            raise Refused("invalid_value", f"A request may bring {MOST_IMAGES} images.", param="input")
        known = await self._known(actor, [name for name in named if name.startswith(FILE)])
        brought: dict[str, Picture] = {}
        for name in named:
            if not name.startswith(FILE):
                brought[name] = await self._cleaner.clean(await asyncio.to_thread(_decoded, name))
        sizes = {**known, **{name: picture.size for name, picture in brought.items()}}
        items = tuple(
            replace(
                item, parts=tuple(_sized(part, sizes) if isinstance(part, ImagePart) else part for part in item.parts)
            )
            for item in request.items
        )
        return Taken(replace(request, items=items), list(brought.values()))

    async def keep(self, turn: Turn, messages: Sequence[Message], new: Sequence[Picture]) -> None:
        """Keep the images of a turn's messages, before it is stored. Raises `Refused` if one has gone meanwhile."""
        image_ids = set(images_in(messages))
        if image_ids and not await self._images.keep(turn.id, turn.user_id, image_ids, new, self._clock.now()):
            raise Refused("file_not_found", "A file of the request was deleted meanwhile.", param="input")

    async def drop(self, turn: Turn, messages: Sequence[Message]) -> None:
        """Undo `keep`, of a turn that was not stored."""
        if any(images_in(messages)):
            await self._images.drop(turn.id)

    async def _known(self, actor: Actor, names: Sequence[str]) -> Mapping[str, Size]:
        found = await self._images.find(actor.user_id, names) if names else {}
        for name in names:
            if name not in found:
                raise Refused("file_not_found", f"File with id '{name[:80]}' not found.", param="input")
        return found


def images_in(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the ids of the images that messages show."""
    for message in messages:
        for part in message.parts:
            if isinstance(part, ImagePart):
                yield part.id


def _sized(part: ImagePart, sizes: Mapping[str, Size]) -> ImagePart:
    size = sizes[part.id]
    return msgspec.structs.replace(part, id=size.id, width=size.width, height=size.height)


def _decoded(url: str) -> bytes:
    """Return the bytes of a data URL."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise Refused("invalid_image", "An image is sent as 'data:image/…;base64,…'.", param="input")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("invalid_image", "The image is no base64.", param="input") from None
