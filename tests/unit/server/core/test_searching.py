"""Words, queries and snippets of search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.errors import Refused
from server.core.searching import MOST_BYTES, MOST_WORDS, Query, query, snippet, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rain, in Spain!", ["rain", "in", "spain"]),
        ("Caf\u00e9 \ufb01ne STRASSE stra\u00dfe", ["cafe", "fine", "strasse", "strasse"]),
        ("a_b-c.d", ["a", "b", "c", "d"]),
        ("\u5929\u6c14 ok", ["\u5929", "\u6c14", "ok"]),
        ("x" * 99, ["x" * 64]),
        ("\x00 \u200b", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Case, marks and signs make no difference, and characters of unspaced scripts stand alone."""
    assert words(text) == expected


def test_a_text_has_a_bounded_number_of_words() -> None:
    """What comes after them is not found."""
    assert len(words("a " * (MOST_WORDS + 1))) == MOST_WORDS


def test_the_words_of_a_text_have_bounded_bytes() -> None:
    """Long words are cut off earlier: no database indexes any number of bytes."""
    long = "\u0436" * 64
    assert MOST_BYTES - 200 < len(" ".join(words(f"{long} " * MOST_WORDS)).encode()) < MOST_BYTES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rain sp", Query((("rain",), ("sp",)), open_end=True)),
        ("rain ", Query((("rain",),), open_end=False)),
        ('"in Spain" rain', Query((("in", "spain"), ("rain",)), open_end=True)),
        ("\u5929\u6c14", Query((("\u5929", "\u6c14"),), open_end=True)),
    ],
)
def test_queries(text: str, expected: Query) -> None:
    """All words have to be there, phrases in quotation marks as they are; the last word may go on."""
    assert query(text) == expected


@pytest.mark.parametrize("text", ["", " ,.", "a " * 17, "x-" * 70])
def test_queries_are_bounded(text: str) -> None:
    """No word is too few, and there is a most."""
    with pytest.raises(Refused, match="invalid_value"):
        query(text)


def test_a_snippet_shows_what_was_found() -> None:
    """It is one line around the first word that was found."""
    text = "Nothing here. " * 20 + "The RAIN\nin Spain." + " And more." * 20
    shown = snippet(text, query("rain"))
    assert "RAIN in Spain" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 140
    assert snippet("short", query("nothing")) == "short"


@given(st.text(max_size=40))
def test_any_text_has_words_of_letters_and_digits(text: str) -> None:
    """Whatever a text is, its words need no quoting in any database."""
    assert all(word.isalnum() for word in words(text))
