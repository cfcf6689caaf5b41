"""The files of users."""

from typing import cast

import pytest

from server.chat.files import MOST_FILES, FileShelf
from server.core.errors import Refused
from server.core.ports import Clock
from server.core.ports_images import Cleaner, Files, Images, Picture
from tests.unit.server.chat.cast import actor


class Full:
    """A store in which the user has as many files as one may."""

    def __init__(self) -> None:
        self.most: list[int] = []

    def now(self) -> int:
        return 1

    async def clean(self, data: bytes) -> Picture:
        return cast(Picture, data)

    async def add(self, _user_id: str, _picture: Picture, *, name: str, most: int, now: int) -> None:
        self.most.append(most)


async def test_who_has_too_many_files_is_told_so() -> None:
    """The store says that there is no more room, and the user which limit it is."""
    full = Full()
    shelf = FileShelf(
        cleaner=cast(Cleaner, full), images=cast(Images, full), files=cast(Files, full), clock=cast(Clock, full)
    )
    with pytest.raises(Refused) as refused:
        await shelf.upload(actor(), b"image", "cat.png")
    assert (refused.value.code, full.most) == ("file_limit_reached", [MOST_FILES])
