"""Text from outside on its way into a prompt: cleaned where it is a value, quoted where it has no authority."""

import json
import re
import unicodedata


def clean(value: str, *, limit: int) -> str:
    """Return `value` on one line, without invisible characters, and at most `limit` characters long.

    Controls, bidirectional marks, zero-width and tag characters go; runs of white space become one space.
    """
    if value.isascii() and value.isprintable():
        return " ".join(value.split())[:limit].rstrip()
    visible = "".join(
        character
        for character in value
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    return " ".join(visible.split())[:limit].rstrip()


def quote(text: str) -> str:
    """Return `text` as a JSON string: every reader sees where it begins and ends."""
    return _WRITER.encode(text)


_WRITER = json.JSONEncoder(ensure_ascii=False)


UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]",
)
"""A character that a reviewer of a file would not see, or not where it stands: controls, changes of direction, tags."""
