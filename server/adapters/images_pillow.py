"""Images made harmless by Pillow, in a process of its own that may die of them.

What comes out was written anew from pixels: nothing that came beside them is in it. The process has a bound on memory,
and is ended and begun again when an image takes too long.
"""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_images`

import asyncio
import hashlib
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import msgspec

from server.adapters import image_worker
from server.adapters.image_worker import Answer
from server.core.errors import Refused
from server.core.ports_images import Picture, Size

MOST_BYTES: Final = 8 * 1024 * 1024
MOST_WAITING: Final = 32
"""Images that wait for the process, each in memory."""
PATIENCE: Final = 15.0
"""Seconds that one image may take."""


class PillowCleaner:
    """A `Cleaner`, and an async context manager. One image at a time; the process begins with the first."""

    def __init__(self, *, patience: float = PATIENCE, command: tuple[str, ...] = ()) -> None:
        self._patience = patience
        self._command = command or (sys.executable, "-m", image_worker.__name__)
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._pipes: tuple[asyncio.StreamWriter, asyncio.StreamReader] | None = None
        self._waiting = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._end()

    async def clean(self, data: bytes) -> Picture:
        if len(data) > MOST_BYTES:
            raise Refused("image_too_large", f"An image may have {MOST_BYTES // 1024 // 1024} MiB.")
        if self._waiting >= MOST_WAITING:
            raise Refused("too_many_requests", "Too many images wait here; come again.", headers={"retry-after": "5"})
        self._waiting += 1
        try:
            async with self._turn:
                answer, made = await self._asked(data)
        finally:
            self._waiting -= 1
        if answer.refused is not None:
            raise Refused(answer.refused, answer.message)
        size = Size(
            id=f"file-{hashlib.sha256(made).hexdigest()}",
            media_type=answer.media_type,
            width=answer.width,
            height=answer.height,
            bytes=len(made),
        )
        return Picture(size=size, data=made)

    async def _asked(self, data: bytes) -> tuple[Answer, bytes]:
        try:
            async with asyncio.timeout(self._patience):
                to, back = self._pipes or await self._begun()
                to.write(len(data).to_bytes(4) + data)
                await to.drain()
                answer = msgspec.json.decode(await _read(back), type=Answer)
                return answer, await _read(back)
        except (TimeoutError, EOFError, OSError):
            await self._end()
            return Answer(
                refused="invalid_image", message="The image cannot be read in the time that one may take."
            ), b""
        except BaseException:
            # What it was about to say would be taken for the answer to the next one.
            await self._end()
            raise

    async def _begun(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
        )
        if process.stdin is None or process.stdout is None:
            raise AssertionError("a pipe is missing")
        self._pipes = process.stdin, process.stdout
        return self._pipes

    async def _end(self) -> None:
        process, self._process, self._pipes = self._process, None, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _read(stream: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await stream.readexactly(4))
    return await stream.readexactly(length)
