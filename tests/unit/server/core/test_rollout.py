"""Who gets a revision that is rolled out."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.rollout import Share, chosen, flaw, place

USERS = [f"user_{number}" for number in range(20_000)]


def test_a_share_is_as_large_as_it_says() -> None:
    """Of many users the shares get their percents, and the rest the live revision."""
    found = Counter(chosen([Share(7, 10), Share(9, 30)], place("tutor", user)) for user in USERS)
    assert {number: round(count / len(USERS), 2) for number, count in found.items()} == {7: 0.1, 9: 0.3, None: 0.6}


def test_personas_choose_their_users_anew() -> None:
    """Who is among the first for one persona is not so for another."""
    first = {user for user in USERS if place("tutor", user) < 10}
    both = {user for user in first if place("pirate", user) < 10}
    assert 0.05 < len(both) / len(first) < 0.15


@given(st.text(), st.integers(1, 50), st.integers(0, 50))
def test_who_had_a_revision_keeps_it_when_its_share_grows(user: str, percent: int, more: int) -> None:
    """A user stays on their side, on every node and at every time."""
    at = place("tutor", user)
    if chosen([Share(7, percent)], at) == 7:
        assert chosen([Share(7, percent + more)], place("tutor", user)) == 7


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ([Share(1, 0)], "at least 1 percent"),
        ([Share(1, 10), Share(1, 10)], "one share"),
        ([Share(1, 60), Share(2, 41)], "more than 100"),
        ([Share(1, 60), Share(2, 40)], None),
        ([], None),
    ],
)
def test_shares_that_cannot_be(shares: list[Share], says: str | None) -> None:
    """A flaw is said in words."""
    assert (says or "None") in str(flaw(shares))
