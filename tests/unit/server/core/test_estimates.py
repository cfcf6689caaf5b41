"""How long an answer may get."""

from hypothesis import given
from hypothesis import strategies as st

from server.core.estimates import ENOUGH, REMEMBERED, Lengths


def test_while_little_is_known_the_most_is_set_aside() -> None:
    """The first answers of a model are held at their full length."""
    lengths = Lengths()
    for _ in range(ENOUGH - 1):
        lengths.add(10)
    assert lengths.p95(512) == 512
    lengths.add(10)
    assert lengths.p95(512) == 10


@given(st.lists(st.integers(0, 1000), min_size=ENOUGH, max_size=REMEMBERED * 2), st.integers(1, 1000))
def test_most_answers_fit_the_estimate(tokens: list[int], most: int) -> None:
    """At least 95 of 100 of the newest answers are no longer than the estimate, unless `most` is less."""
    lengths = Lengths()
    for one in tokens:
        lengths.add(one)
    newest = tokens[-REMEMBERED:]
    estimate = lengths.p95(most)
    assert estimate <= most
    assert estimate == most or sum(one <= estimate for one in newest) >= 0.95 * len(newest)
