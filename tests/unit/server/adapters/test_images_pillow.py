"""Images made harmless: what comes out of what comes in, and what hostile files cost."""

import io
import sys
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from server.adapters.image_worker import LONGEST, MOST_FRAMES
from server.adapters.images_pillow import MOST_BYTES, PillowCleaner
from server.core.errors import Refused
from tests.images import gif_bomb, photograph, picture, png_bomb, polyglot

SMALL = 400_000_000
"""Bytes of address space in which even the largest image that is let in finds no room."""


@pytest.fixture
async def cleaner() -> AsyncIterator[PillowCleaner]:
    async with PillowCleaner() as one:
        yield one


def worker(changes: str) -> tuple[str, ...]:
    """Return the command of a worker that differs from the real one."""
    return sys.executable, "-c", f"from server.adapters import image_worker as w\n{changes}\nw.main()"


async def refusal(cleaner: PillowCleaner, data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        await cleaner.clean(data)
    return refused.value.code


async def shown(cleaner: PillowCleaner, data: bytes) -> Image.Image:
    """Return what a model would look at."""
    return Image.open(io.BytesIO((await cleaner.clean(data)).data))


async def test_only_pixels_are_left(cleaner: PillowCleaner) -> None:
    """Camera, comments, scripts, archives and whatever stands behind the end are gone; pictures stand upright."""
    for data in (photograph(), polyglot()):
        assert b"SECRET" in data
        made = await cleaner.clean(data)
        assert b"SECRET" not in made.data
        again = Image.open(io.BytesIO(made.data))
        assert not again.getexif()
        assert again.size == (made.size.width, made.size.height)
    assert (await shown(cleaner, photograph())).size == (20, 40)


async def test_drawings_stay_sharp_and_photographs_small(cleaner: PillowCleaner) -> None:
    """What came without loss is a PNG, the rest a JPEG; the same picture has the same id, whatever its file is."""
    sharp = await cleaner.clean(picture())
    assert (sharp.size.media_type, sharp.size.bytes) == ("image/png", len(sharp.data))
    assert (await cleaner.clean(picture(form="GIF"))).size.id == sharp.size.id
    assert (await cleaner.clean(picture(form="WEBP"))).size.media_type == "image/jpeg"


async def test_large_images_are_made_smaller(cleaner: PillowCleaner) -> None:
    """The longer side comes to 2048 pixels; smaller ones stay as they are."""
    assert (await shown(cleaner, picture((4096, 1024)))).size == (LONGEST, 512)
    assert (await shown(cleaner, picture((7, 3)))).size == (7, 3)


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (picture(mode="RGBA", colour="#ff000000"), (255, 255, 255)),
        (picture(mode="CMYK", colour="#000000", form="JPEG"), (0, 0, 0)),
        (picture(mode="I;16", colour=0x8000), (128, 128, 128)),  # type: ignore[arg-type]  # Pillow takes numbers too
        (picture(mode="P", colour=0, form="GIF"), (0, 0, 0)),  # type: ignore[arg-type]
    ],
    ids=["transparent", "cmyk", "sixteen bits", "palette"],
)
async def test_every_kind_of_pixel_is_seen(cleaner: PillowCleaner, given: bytes, seen: tuple[int, int, int]) -> None:
    """Transparent is white, and other ways to write colours come out as those colours."""
    found = (await shown(cleaner, given)).getpixel((1, 1))
    assert isinstance(found, tuple)
    assert max(abs(one - other) for one, other in zip(found, seen, strict=True)) <= 2


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg/>", b"%PDF-1.7" + picture(), picture(form="BMP"), picture(form="TIFF"), picture()[:-30]],
    ids=["nothing", "svg", "pdf", "bmp", "tiff", "cut"],
)
async def test_what_is_no_image_is_refused(cleaner: PillowCleaner, data: bytes) -> None:
    """Other formats, and files that end too soon, are refused, and the next one is read."""
    assert await refusal(cleaner, data) == "invalid_image"
    await cleaner.clean(picture())


async def test_bombs_are_refused_in_little_memory() -> None:
    """400 megapixels in 48 KB, and ten thousand frames: nothing is decoded, and the process lives on."""
    bomb, film = png_bomb(), gif_bomb()
    assert len(bomb) < 60_000
    async with PillowCleaner(command=worker(f"w.MOST_MEMORY = {SMALL}")) as cleaner:
        await cleaner.clean(picture())
        process = cleaner._process
        assert [await refusal(cleaner, data) for data in (bomb, film)] == ["image_too_large"] * 2
        assert await refusal(cleaner, bytes(MOST_BYTES + 1)) == "image_too_large"
        # Within all bounds, but more than this process may have.
        assert await refusal(cleaner, picture((4900, 4900), mode="RGBA")) == "image_too_large"
        assert (await cleaner.clean(gif_bomb(MOST_FRAMES))).size.width == 1
        assert cleaner._process is process


async def test_an_image_that_takes_too_long_ends_its_process() -> None:
    """It is refused, and the next one finds another process."""
    hanging = (
        "import time\nreal = w.cleaned\nw.cleaned = lambda data: time.sleep(60) if data == b'slow' else real(data)"
    )
    async with PillowCleaner(command=worker(hanging), patience=5.0) as cleaner:
        await cleaner.clean(picture())
        cleaner._patience = 0.05
        assert await refusal(cleaner, b"slow") == "invalid_image"
        cleaner._patience = 15.0
        await cleaner.clean(picture())
