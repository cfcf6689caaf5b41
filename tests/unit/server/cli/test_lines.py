"""The terminal as `parley chat` sees it."""

import io

import pytest

from server.cli.lines import Lines


class Screen(io.StringIO):
    """A terminal: it says that somebody looks at it."""

    def isatty(self) -> bool:
        return True


def reading(text: str) -> Lines:
    """Return a terminal at which `text` is typed."""
    return Lines(io.StringIO(text), io.StringIO(), io.StringIO())


def all_messages(text: str) -> list[str]:
    """Return every message of what was typed."""
    lines = reading(text)
    return list(iter(lines.message, None))


@pytest.mark.parametrize(
    ("typed", "messages"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\\\ntwo\nthree", ["one\ntwo", "three"]),
        ('"""\none\n\n  two\n"""\nthree\n', ["one\n\n  two", "three"]),
        ('"""\nnever closed', ["never closed"]),
        ("ends with\\", ["ends with\n"]),
        ("", []),
    ],
)
def test_messages_can_have_several_lines(typed: str, messages: list[str]) -> None:
    """A backslash goes on in the next line; three quotes begin and end a block."""
    assert all_messages(typed) == messages


def test_an_answer_appears_piece_by_piece_and_its_line_is_ended() -> None:
    """A note never stands in the middle of a line of the answer."""
    answers, remarks = io.StringIO(), io.StringIO()
    lines = Lines(io.StringIO(), answers, remarks)
    for piece in ("a", "b\nc"):
        lines.answer(piece)
    lines.note("a note")
    lines.finish()
    assert answers.getvalue() == "ab\nc\n"
    assert remarks.getvalue() == "a note\n"


def test_a_line_aside_breaks_the_answer_on_a_terminal_alone() -> None:
    """Where the answer goes into a file, it is whole."""
    for answers, whole in ((Screen(), "a\nb\n"), (io.StringIO(), "ab\n")):
        remarks = io.StringIO()
        lines = Lines(io.StringIO(), answers, remarks)
        lines.answer("a")
        lines.aside("wait")
        lines.answer("b")
        lines.finish()
        assert (answers.getvalue(), remarks.getvalue()) == (whole, "wait\n")


def test_an_answer_cannot_command_the_terminal() -> None:
    """Escape sequences are dropped on a terminal, and passed on byte for byte to a pipe."""
    screen, pipe = Screen(), io.StringIO()
    for out in (screen, pipe):
        Lines(io.StringIO(), out, io.StringIO()).answer("\x1b]0;title\x07a\tb\x9b\n")
    assert screen.getvalue() == "]0;titlea\tb\n"
    assert pipe.getvalue() == "\x1b]0;title\x07a\tb\x9b\n"
