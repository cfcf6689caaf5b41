"""Who is next."""

from ratelimit.queueing import FairQueue


def queue(*tickets: str) -> FairQueue[str]:
    """Return a queue that these joined in order; the user is the first letter."""
    found: FairQueue[str] = FairQueue()
    for ticket in tickets:
        found.join(ticket[0], ticket)
    return found


def test_each_user_has_one_turn_in_each_round() -> None:
    """Who asks three times before others does not have three turns before them."""
    found = queue("a1", "a2", "a3", "b1", "c1", "b2")
    assert list(found) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert (len(found), found.first) == (6, "a1")


def test_who_was_served_waits_for_the_next_round() -> None:
    """The order in which tickets are served is the order that was told."""
    found = queue("a1", "a2", "b1", "c1", "b2")
    told = list(found)
    served = []
    while (first := found.first) is not None:
        served.append(first)
        found.leave(first[0], first, served=True)
    assert served == told


def test_who_gives_up_leaves_the_turn_to_their_next_ticket() -> None:
    """Nobody else moves but those behind, and a user without tickets is gone."""
    found = queue("a1", "a2", "b1")
    found.leave("a", "a1", served=False)
    assert list(found) == ["a2", "b1"]
    found.leave("b", "b1", served=False)
    found.join("c", "c1")
    found.join("b", "b2")
    assert list(found) == ["a2", "c1", "b2"]
