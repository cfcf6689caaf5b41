import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.adapters.script import DEMONSTRATION, Script, after, chunked, parse


@pytest.mark.parametrize(
    ("program", "script"),
    [
        ("scripted-t3", Script(chunks=(" 0000", " 0001", " 0002"))),
        ("mock-t1-d20-f100-w8", Script(chunks=(" 0000",), delay=0.02, first=0.1, per_batch=8)),
        ("scripted", Script(chunks=chunked(DEMONSTRATION))),
        ("scripted-echo", Script(chunks=None)),
        ("calls-thinks", Script(chunks=chunked(DEMONSTRATION), calls=True, thinks=True)),
        ("refuses", Script(chunks=(), refuses=True)),
        ("scripted-say-good-day", Script(chunks=("good", " day"))),
        ("say", Script(chunks=chunked(DEMONSTRATION))),
        ("t0-err429", Script(chunks=(), status=429)),
        ("t0-drop-at50", Script(chunks=(), breaks="drop", breaks_at=50)),
        ("t0-stall-at50", Script(chunks=(), breaks="stall", breaks_at=50)),
        ("t0-w0-t99999999-d20ms-a t", Script(chunks=())),
    ],
)
def test_a_program_is_words(program: str, script: Script) -> None:
    """Each word of a program has its meaning, and words that are not known have none."""
    assert parse(program) == script


@given(st.text())
def test_cutting_keeps_every_character(text: str) -> None:
    """The chunks of a text, joined, are the text."""
    assert "".join(chunked(text)) == text


@given(st.lists(st.text("ab ", min_size=1, max_size=3)), st.integers(0, 20))
def test_what_comes_after_a_prefix_continues_it(chunks: list[str], length: int) -> None:
    """A prefix and what follows it are the whole text, with no empty chunk."""
    prefix = "".join(chunks)[:length]
    rest = after(chunks, prefix)
    assert prefix + "".join(rest) == "".join(chunks)
    assert all(rest)


def test_another_beginning_is_no_prefix() -> None:
    """A text that does not begin with the prefix is given whole."""
    assert after(["One", " two"], "Two") == ("One", " two")
