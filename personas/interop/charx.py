"""A character card inside a CHARX archive: the card is read, everything else stays packed."""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from personas.front_matter import Unreadable

SIGNATURE = b"PK\x03\x04"
MAX_FILE = 64 * 1024 * 1024
MAX_ENTRIES = 50
MAX_INFLATED = 20 * 1024 * 1024
MAX_CARD = 8 * 1024 * 1024
_CARD = "card.json"
_MAX_DIRECTORY = 256 * 1024
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
_FAILURES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    KeyError,
)
"""All that the library raises for archives that are damaged, encrypted or from the future."""


def card_of(content: bytes) -> tuple[bytes, int]:
    """Return the JSON of the card, and how many other files the archive has. Raises `Unreadable`."""
    if len(content) > MAX_FILE:
        raise _refused("too_large", f"The archive has more than {MAX_FILE} bytes.")
    _check_directory(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check(entries)
            card = next((entry for entry in entries if entry.filename == _CARD), None)
            if card is None:
                raise _refused("no_card", f"There is no {_CARD} in this archive.")
            with archive.open(card) as opened:
                text = opened.read(MAX_CARD + 1)
    except _FAILURES as error:
        raise _refused("zip", "The archive is damaged or encrypted.") from error
    if len(text) > MAX_CARD:
        raise _refused("too_large", f"The card has more than {MAX_CARD} bytes.")
    return text, len(entries) - 1


def _check_directory(content: bytes) -> None:
    """Refuse long directories before the library builds an object for each of their entries."""
    end = len(content) - _END_SIZE
    if content[end : end + 4] != _END or content[-2:] != b"\0\0":
        end = content.rfind(_END, max(0, len(content) - _END_SIZE - _LONGEST_COMMENT))
    if end < 0 or len(content) < end + _END_SIZE:
        raise _refused("zip", "The archive has no end.")
    count, size = struct.unpack("<HI", content[end + 10 : end + 16])
    if count > MAX_ENTRIES or size > _MAX_DIRECTORY:
        raise _refused("too_many", f"The archive has more than {MAX_ENTRIES} files.")
    if content[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise _refused("zip", "The archive is of the kind for more than 4 GB.")


def _check(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise _refused("too_many", f"The archive has more than {MAX_ENTRIES} files.")
    if sum(entry.file_size for entry in entries) > MAX_INFLATED:
        raise _refused("too_large", f"Unpacked, the archive has more than {MAX_INFLATED} bytes.")
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename:
            raise _refused("path", "A file in the archive would be unpacked outside of it.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _refused("link", "A file in the archive is a link.")
        if entry.flag_bits & 1:
            raise _refused("encrypted", "The archive is encrypted.")


def _refused(code: str, message: str) -> Unreadable:
    return Unreadable(1, code, message, "Export it from its tool again, or as JSON.")
