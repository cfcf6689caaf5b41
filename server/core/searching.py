"""Words of texts as search knows them, the same for every database, and what a search asks for. Pure.

A word is a run of letters and digits, without case and marks. In scripts that put no space between words, each
character is one, and neighbours are found as a phrase.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from server.core.errors import Refused
from server.core.folding import kind_of

LONGEST_WORD: Final = 64
MOST_WORDS: Final = 20_000
"""Of one text; what comes after them is not found."""

MOST_BYTES: Final = 500_000
"""The same, for long words: PostgreSQL indexes no text whose words have more than twice that."""

MOST_PHRASES: Final = 16
AROUND: Final = 60
"""Characters that a snippet shows on either side."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a search asks for: all phrases have to be found."""

    phrases: tuple[tuple[str, ...], ...]
    """Words that follow one another."""
    open_end: bool
    """Whether the last word may go on."""


def words(text: str) -> list[str]:
    """Return the words of a text, in order."""
    found: list[str] = []
    left = MOST_BYTES
    for word, _, _ in _words(text):
        left -= len(word.encode()) + 1
        if left < 0 or len(found) == MOST_WORDS:
            break
        found.append(word)
    return found


def query(text: str) -> Query:
    """Return what a user asks for: words, and phrases in quotation marks. The last word may be unfinished.

    Raises `Refused` if there is no word in it, or too many.
    """
    phrases: list[tuple[str, ...]] = []
    for number, part in enumerate(text.split('"')):
        for phrase in [part] if number % 2 else part.split():
            found = tuple(words(phrase))
            if found:
                phrases.append(found)
    if not phrases or len(phrases) > MOST_PHRASES or sum(map(len, phrases)) > MOST_PHRASES * 4:
        raise Refused("invalid_value", f"'query' must have 1 to {MOST_PHRASES} words.", param="query")
    return Query(tuple(phrases), open_end=not text.endswith((" ", '"')))


def snippet(text: str, asked: Query) -> str:
    """Return the part of the text around the first word that was asked for, on one line."""
    first = {phrase[0] for phrase in asked.phrases}
    last = asked.phrases[-1][-1]
    at = next(
        (
            (start, end)
            for word, start, end in _words(text)
            if word in first or (asked.open_end and word.startswith(last))
        ),
        (0, 0),
    )
    begin, end = max(0, at[0] - AROUND), min(len(text), at[1] + AROUND)
    line = " ".join(text[begin:end].split())
    return ("…" if begin else "") + line + ("…" if end < len(text) else "")


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word with where it begins and ends in the text."""
    for kind, run in groupby(enumerate(text), key=lambda one: _kind(one[1])):
        places = list(run)
        if kind == "alone":
            yield from ((_folded(char), place, place + 1) for place, char in places)
        elif kind == "word":
            word = _folded("".join(char for _, char in places))[:LONGEST_WORD]
            if word:
                yield word, places[0][0], places[-1][0] + 1


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    if char.isalnum() or unicodedata.category(char)[0] == "M":
        return "alone" if kind_of(char) == "other" else "word"
    return ""


def _folded(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text).casefold() if char.isalnum())
