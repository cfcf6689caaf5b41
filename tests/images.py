"""Images for tests: pictures of one colour with what cameras and attackers put beside it, and bombs made by hand."""

import base64
import io
import struct
import zlib
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

CAMERA = 0x0110
ORIENTATION = 0x0112


def picture(size: tuple[int, int] = (40, 20), colour: str = "red", form: str = "PNG", **more: Any) -> bytes:
    """Return an image of one colour."""
    out = io.BytesIO()
    Image.new(more.pop("mode", "RGB"), size, colour).save(out, form, **more)
    return out.getvalue()


def data_url(data: bytes, kind: str = "png") -> str:
    """Return the image as a data URL."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def photograph() -> bytes:
    """Return a JPEG as a telephone makes it: lying on its side, naming the camera, with something behind its end."""
    exif = Image.Exif()
    exif[CAMERA], exif[ORIENTATION] = "SECRET-CAMERA", 6
    return picture((40, 20), form="JPEG", exif=exif, comment=b"SECRET-COMMENT") + b"SECRET-TRAILER"


def polyglot() -> bytes:
    """Return a PNG that is a page and an archive too."""
    words = PngInfo()
    words.add_text("Comment", "<script>SECRET-SCRIPT</script>")
    return picture(pnginfo=words) + b"PK\x03\x04SECRET-ARCHIVE"


def png_bomb(side: int = 20_000) -> bytes:
    """Return a PNG of few bytes and, by default, 400 megapixels."""
    packed = zlib.compressobj(9)
    row = b"\0" * (1 + side // 8)
    data = b"".join(packed.compress(row) for _ in range(side)) + packed.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def gif_bomb(frames: int = 10_000) -> bytes:
    """Return a GIF of very many frames."""
    frame = b"\x21\xf9\x04\0\x01\0\0\0" + b"\x2c\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02\x44\x01\0"
    return b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b"\x3b"


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
