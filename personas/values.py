"""Text from outside on its way into a prompt: cleaned where it is a value, quoted where it has no authority."""

import json
import unicodedata


def clean(value: str, *, limit: int) -> str:
    """Return `value` on one line, without invisible characters, and at most `limit` characters long.

    Controls, bidirectional marks, zero-width and tag characters go; runs of white space become one space.
    """
    visible = "".join(
        character
        for character in value
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    return " ".join(visible.split())[:limit].rstrip()


def quote(text: str) -> str:
    """Return `text` as a JSON string: every reader sees where it begins and ends."""
    return json.dumps(text, ensure_ascii=False)


def is_hidden(character: str) -> bool:
    """Return whether a reviewer of a file would not see `character`, or not where it stands."""
    if character in "\n\t":
        return False
    if unicodedata.category(character) in {"Cc", "Cs"}:
        return True
    return character in _BIDI or "\U000e0000" <= character <= "\U000e007f"


_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
