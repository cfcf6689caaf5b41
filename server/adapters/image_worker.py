"""The process that reads images: bytes in, pixels written anew out, one after another. Knows nothing of the server."""

import io
import sys
import warnings
from contextlib import suppress
from typing import BinaryIO, Final

import msgspec
from PIL import Image, ImageOps

MOST_PIXELS: Final = 25_000_000
MOST_FRAMES: Final = 500
LONGEST: Final = 2_048
"""Pixels of the longer side of what comes out."""
MOST_MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of address space: several times what the largest image needs."""
LARGEST_PNG: Final = 1_500_000
"""Bytes above which a picture without loss gives way to a JPEG."""
QUALITY: Final = 90

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_SHARP: Final = frozenset({"PNG", "GIF"})


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an image; the bytes follow it."""

    refused: str | None = None
    """A code of the catalogue of errors."""
    message: str = ""
    media_type: str = ""
    width: int = 0
    height: int = 0


def cleaned(data: bytes) -> tuple[Answer, bytes]:
    """Return the image upright, small enough and written anew, or why not."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            # Read from the header; nothing is decoded yet.
            if image.width * image.height > MOST_PIXELS:
                return _refused("image_too_large", f"An image may have {MOST_PIXELS:,} pixels.")
            if getattr(image, "n_frames", 1) > MOST_FRAMES:
                return _refused("image_too_large", f"An image may have {MOST_FRAMES} frames; the first one is shown.")
            image.seek(0)
            sharp = image.format in _SHARP
            made = _upright(image)
        return _written(made, sharp=sharp)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return _refused("image_too_large", f"An image may have {MOST_PIXELS:,} pixels.")
    except MemoryError:
        return _refused("image_too_large", "The image needs too much memory.")
    except Exception:  # noqa: BLE001  the decoders raise whatever they like on broken files
        return _refused("invalid_image", "This is no JPEG, PNG, WebP or GIF that can be read.")


def _upright(image: Image.Image) -> Image.Image:
    """Return the first frame as it is to be looked at, on white where it is transparent."""
    image.draft("RGB", (LONGEST, LONGEST))
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I;16"):
        # Converted as it is, nearly all of it would be white.
        turned = turned.point(lambda value: value * (1 / 256)).convert("L")
    if turned.has_transparency_data:
        over = turned.convert("RGBA")
        turned = Image.new("RGBA", over.size, "white")
        turned.alpha_composite(over)
    turned = turned.convert("RGB")
    turned.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return turned


def _written(image: Image.Image, *, sharp: bool) -> tuple[Answer, bytes]:
    plain = Image.new("RGB", image.size)
    plain.paste(image)
    out = io.BytesIO()
    form = "png"
    if sharp:
        plain.save(out, "PNG", optimize=True)
    if not sharp or out.tell() > LARGEST_PNG:
        form, out = "jpeg", io.BytesIO()
        plain.save(out, "JPEG", quality=QUALITY, optimize=True)
    return Answer(media_type=f"image/{form}", width=plain.width, height=plain.height), out.getvalue()


def _refused(code: str, message: str) -> tuple[Answer, bytes]:
    return Answer(refused=code, message=message), b""


def serve(source: BinaryIO, to: BinaryIO) -> None:
    """Answer until there is nothing more to read."""
    while len(head := source.read(4)) == 4:  # noqa: PLR2004  the bytes of a length
        to.writelines(len(piece).to_bytes(4) + piece for piece in _encoded(*cleaned(source.read(int.from_bytes(head)))))
        to.flush()


def _encoded(answer: Answer, made: bytes) -> tuple[bytes, bytes]:
    return msgspec.json.encode(answer), made


def bound_memory() -> None:
    """Let this process have no more than an image needs, where the system can."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415  not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def main() -> None:
    """Be this process."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    bound_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
