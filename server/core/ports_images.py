"""Images: what makes those that users send harmless, and where they are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is known of an image beside its bytes."""

    id: str
    """`file-` and the SHA-256 of its bytes: the same image is the same file."""
    media_type: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image as it is kept and sent to models: pixels, written anew, and nothing else of what came."""

    size: Size
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An image that a user has uploaded."""

    size: Size
    name: str
    created_at: int


class Cleaner(Protocol):
    """Makes images harmless."""

    async def clean(self, data: bytes) -> Picture:
        """Return the image in `data`, upright and at most 2048 pixels long: JPEG, PNG, WebP, or a GIF's first frame.

        Whatever `data` is, memory and time are bounded. Raises `Refused`: `image_too_large` for too many bytes, pixels
        or frames, before anything is decoded; `invalid_image` for what is no such image.
        """


class Images(Protocol):
    """Images of messages, each kept once, for as long as a turn or a file needs it."""

    async def find(self, user_id: str, image_ids: Collection[str]) -> Mapping[str, Size]:
        """Return those that the user has: as a file, or in a turn."""

    async def keep(
        self, turn_id: str, user_id: str, image_ids: Collection[str], new: Sequence[Picture], now: int
    ) -> bool:
        """Keep the images of a turn that begins; `new` are those that came with it. Atomic.

        Returns False, and keeps nothing, if one that is not new has gone. They go with the messages of the turn.
        """

    async def drop(self, turn_id: str) -> None:
        """Undo `keep`, of a turn that was not stored."""

    async def content(self, image_ids: Collection[str]) -> Mapping[str, Picture]:
        """Return those that are kept, whoever's they are."""


class Files(Protocol):
    """Images that users upload. Another user's file is as one that does not exist."""

    async def add(self, user_id: str, picture: Picture, *, name: str, most: int, now: int) -> File | None:
        """Keep a file; None, and nothing is kept, if the user has `most` others.

        The same image again is the same file.
        """

    async def files(self, user_id: str, *, after: str | None, limit: int, newest_first: bool) -> Sequence[File]:
        """Return up to `limit` files of the user after the one with the id `after`, by age."""

    async def file(self, user_id: str, file_id: str) -> File | None:
        """Return the file."""

    async def remove(self, user_id: str, file_id: str) -> bool:
        """Delete the file. Messages that show it keep their image."""
