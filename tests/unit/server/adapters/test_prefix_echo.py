from hypothesis import given
from hypothesis import strategies as st

from server.adapters.prefix_echo import PrefixEcho

TEXT = st.text(alphabet="ab é\n", max_size=8)


def through(prefix: str, chunks: list[str]) -> str:
    echo = PrefixEcho(prefix)
    return "".join([echo.feed(chunk) for chunk in chunks]) + echo.close()


@given(TEXT, st.lists(TEXT))
def test_strips_the_echo_however_it_is_cut(prefix: str, chunks: list[str]) -> None:
    """An answer loses exactly one prefix if it begins with it, and nothing otherwise."""
    assert through(prefix, chunks) == "".join(chunks).removeprefix(prefix)


def test_releases_what_differs_as_soon_as_it_differs() -> None:
    """What was held back is shown with the first text that is no echo."""
    echo = PrefixEcho("Once upon a time")
    assert not echo.feed("Once ")
    assert echo.feed("more") == "Once more"
    assert echo.feed("Once upon a time") == "Once upon a time"


def test_shows_what_follows_the_echo_at_once() -> None:
    """The text after the echo is not held back, even in the chunk that completes the echo."""
    echo = PrefixEcho("One, two")
    assert not echo.feed("One, ")
    assert echo.feed("two, three") == ", three"
