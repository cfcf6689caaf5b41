"""Files that users upload: images, to be named in requests."""

from collections.abc import Sequence
from typing import Final

from server.core.errors import Refused
from server.core.ports import Clock
from server.core.ports_images import Cleaner, File, Files, Images, Picture
from server.core.records import Actor

MOST_FILES: Final = 1_000
"""Files that one user may have."""


class FileShelf:
    """The files of users; another user's file is as one that does not exist."""

    def __init__(self, *, cleaner: Cleaner, images: Images, files: Files, clock: Clock) -> None:
        self._cleaner, self._images, self._files, self._clock = cleaner, images, files, clock

    async def upload(self, actor: Actor, data: bytes, name: str) -> File:
        """Make the image in `data` harmless and keep it. Raises `Refused`."""
        picture = await self._cleaner.clean(data)
        added = await self._files.add(actor.user_id, picture, name=name, most=MOST_FILES, now=self._clock.now())
        if added is None:
            raise Refused("file_limit_reached", f"You have {MOST_FILES} files; delete some.", param="file")
        return added

    async def listed(
        self, actor: Actor, *, after: str | None, limit: int, newest_first: bool
    ) -> tuple[Sequence[File], bool]:
        """Return a page of the user's files, and whether another one follows."""
        found = await self._files.files(actor.user_id, after=after, limit=limit + 1, newest_first=newest_first)
        return found[:limit], len(found) > limit

    async def file(self, actor: Actor, file_id: str) -> File:
        """Return a file. Raises `Refused`."""
        found = await self._files.file(actor.user_id, file_id)
        if found is None:
            raise _no_file(file_id)
        return found

    async def content(self, actor: Actor, file_id: str) -> Picture:
        """Return the image of a file, or of a message of the user's. Raises `Refused`."""
        if file_id in await self._images.find(actor.user_id, [file_id]):
            found = await self._images.content([file_id])
            if file_id in found:
                return found[file_id]
        raise _no_file(file_id)

    async def delete(self, actor: Actor, file_id: str) -> None:
        """Delete a file; messages that show it keep its image. Raises `Refused`."""
        if not await self._files.remove(actor.user_id, file_id):
            raise _no_file(file_id)


def _no_file(file_id: str) -> Refused:
    return Refused("file_not_found", f"File with id '{file_id[:80]}' not found.", param="file_id")
