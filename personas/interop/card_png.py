"""A character card inside a PNG picture: found by walking the chunks, written into a small plain one.

The picture itself is never decoded.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator

from personas.front_matter import Unreadable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNK = 8 * 1024 * 1024
MAX_FILE = 64 * 1024 * 1024
_WIDTH, _HEIGHT = 256, 384
_KEYWORDS = (b"ccv3", b"chara")
"""The newer version first: it wins where both are there."""


def card_of(content: bytes) -> bytes:
    """Return the JSON of the card in a PNG file. Raises `Unreadable` for a broken file, or one without a card."""
    if len(content) > MAX_FILE:
        raise Unreadable(1, "too_large", f"The picture has more than {MAX_FILE} bytes.", "Import a smaller one.")
    texts: dict[bytes, bytes] = {}
    for kind, data in _chunks(content):
        keyword, separator, text = data.partition(b"\0")
        if kind == b"tEXt" and separator and keyword.lower() in _KEYWORDS:
            texts.setdefault(keyword.lower(), text)
    found = next((texts[keyword] for keyword in _KEYWORDS if keyword in texts), None)
    if found is None:
        cure = "Export it from its tool as PNG again, or as JSON: many sites strip the text from pictures."
        raise Unreadable(1, "no_card", "There is no card in this picture.", cure)
    try:
        return base64.b64decode(b"".join(found.split()), validate=True)
    except binascii.Error as error:
        raise Unreadable(
            1, "base64", "The card in this picture is damaged.", "Export it from its tool again."
        ) from error


def with_card(card: bytes) -> bytes:
    """Return a PNG file of one colour that holds the JSON of a card of version 3."""
    colour = zlib.crc32(card).to_bytes(4, "big")[:3]
    rows = zlib.compress((b"\0" + colour * _WIDTH) * _HEIGHT, 9)
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"tEXt", b"ccv3\0" + base64.b64encode(card)), (b"IDAT", rows), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of each chunk up to the last."""
    view, position = memoryview(content), len(SIGNATURE)
    while True:
        head = bytes(view[position : position + 8])
        if len(head) < 8:  # noqa: PLR2004  # a length and a kind
            raise _damaged("The picture ends too soon.")
        (length,) = struct.unpack(">I", head[:4])
        if length > MAX_CHUNK:
            raise _damaged(f"A part of the picture claims to have {length} bytes; {MAX_CHUNK} are allowed.")
        data, mark = view[position + 8 : position + 8 + length], bytes(view[position + 8 + length :][:4])
        if mark != struct.pack(">I", zlib.crc32(data, zlib.crc32(head[4:]))):
            raise _damaged("A part of the picture is damaged or missing.")
        yield head[4:], bytes(data)
        if head[4:] == b"IEND":
            return
        position += length + 12


def _damaged(message: str) -> Unreadable:
    return Unreadable(1, "png", message, "Export it from its tool again.")
