"""What each view makes of a character."""

import pytest

from server.core.folding import as_is, bare, folded, kind_of


@pytest.mark.parametrize(
    ("char", "seen"),
    [
        ("A", "a"),
        ("\u00df", "ss"),
        ("\ufb01", "fi"),
        ("\uff21", "a"),
        ("\u0430", "a"),
        ("\u0410", "a"),
        ("\u03bf", "o"),
        ("\u00e9", "e\u0301"),
        ("\u24e0", "q"),
        ("\u200b", ""),
        ("\u00ad", ""),
        ("\ufe0f", ""),
        ("\u202e", ""),
        ("\n", " "),
        ("\u00a0", " "),
        ("-", "-"),
        ("\uac01", "\uac01"),
    ],
)
def test_folding_takes_away_what_readers_do_not_see(char: str, seen: str) -> None:
    """Case, width, ligatures, look-alikes and invisible characters make no difference; syllables stay whole."""
    assert folded(char) == seen


@pytest.mark.parametrize(("char", "seen"), [("Q", "q"), ("-", ""), (" ", ""), ("\u00e9", "e"), ("\ufb01", "fi")])
def test_the_bare_view_keeps_letters_and_digits(char: str, seen: str) -> None:
    """Separators and marks give nothing."""
    assert bare(char) == seen


@pytest.mark.parametrize(("char", "seen"), [("Q", "Q"), ("\u0430", "\u0430"), ("\n", " "), ("\u200b", "\u200b")])
def test_the_plain_view_only_makes_blanks_equal(char: str, seen: str) -> None:
    """Everything but a blank is seen as it is."""
    assert as_is(char) == seen


@pytest.mark.parametrize(
    ("char", "kind"),
    [
        ("a", "word"),
        ("_", "word"),
        ("7", "word"),
        ("\u0301", "word"),
        ("\u0436", "word"),
        ("\t", "space"),
        ("-", "other"),
        ("\u8bcd", "other"),
        ("\u0e01", "other"),
        ("\uac00", "other"),
    ],
)
def test_scripts_without_spaces_have_no_long_words(char: str, kind: str) -> None:
    """A character of a script that puts no space between words is a word of its own."""
    assert kind_of(char) == kind
