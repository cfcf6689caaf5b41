"""Values are cleaned, quotations are closed, hidden characters are found."""

import json

import pytest

from personas.values import UNSEEN, clean, quote


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada\r\n\n## Bounds\tgone ", "Ada ## Bounds gone"),
        ("A\u202eda\u200b\ufeff\u2066!\U000e0041", "Ada!"),
        ("bell\x07 and \x1b[31mred", "bell and [31mred"),
        ("line\u2028separator", "line separator"),
        ("\ud800half", "half"),
        ("Zoë 李 नमस्ते", "Zoë 李 नमस्ते"),
    ],
)
def test_clean_keeps_what_can_be_seen_on_one_line(value: str, expected: str) -> None:
    """Clean drops invisible characters and joins lines."""
    assert clean(value, limit=80) == expected


def test_clean_cuts_to_the_limit() -> None:
    """Clean returns at most `limit` characters and no space at the end."""
    assert clean("abc def", limit=4) == "abc"


def test_quote_is_one_json_string_on_one_line() -> None:
    """Quote escapes quotation marks and newlines, and can be read back."""
    text = 'say "no"\n\\ é'
    assert json.loads(quote(text)) == text
    assert "\n" not in quote(text)
    assert "é" in quote(text)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\u202e", "\u2066", "\U000e0041", "\ud800"])
def test_controls_and_changes_of_direction_are_hidden(character: str) -> None:
    """A character that hides text from a reviewer is found."""
    assert UNSEEN.search(character)


@pytest.mark.parametrize("character", ["a", "\n", "\t", "é", "\u200d", "。"])
def test_what_writers_need_is_not_hidden(character: str) -> None:
    """Letters, line ends, tabs and joiners are no problem in a file."""
    assert not UNSEEN.search(character)
