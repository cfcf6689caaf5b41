"""Who is let in while there is less room than asked for."""

from ratelimit.adaptive.places import WANTS_US, Places
from ratelimit.adaptive.rules import Share

SHARES = {"free": Share(stops_at=70, keeps=10), "plus": Share(stops_at=90, keeps=30), "pro": Share(keeps=15)}
FOREVER = 10**15


def filled(**tiers: int) -> Places:
    """Return places of which the tiers have so many."""
    found = Places(SHARES)
    for tier, count in tiers.items():
        for number in range(count):
            found.enter(f"{tier}{number}", tier, FOREVER)
    return found


def rooms(found: Places, limit: int = 100, now: int = 0) -> list[bool]:
    """Return whether free, plus and pro are let in."""
    return [found.room(tier, limit, now) for tier in ("free", "plus", "pro")]


def test_tiers_give_way_in_order() -> None:
    """Free stops at 70 % of the limit, plus at 90 %, pro at the limit."""
    assert rooms(filled(free=20, plus=40)) == [True, True, True]
    assert rooms(filled(free=20, plus=50)) == [False, True, True]
    assert rooms(filled(free=20, plus=70)) == [False, False, True]
    assert rooms(filled(free=20, plus=70, pro=10)) == [False, False, False]


def test_each_tier_keeps_its_part() -> None:
    """A tier with less than its part is let in where it would give way, as long as there is any place."""
    assert rooms(filled(free=9, plus=80)) == [True, True, True]
    assert rooms(filled(free=9, plus=29, pro=61)) == [True, True, True]
    assert rooms(filled(free=9, plus=29, pro=62)) == [False, False, False]


def test_whoever_waits_for_its_part_goes_first() -> None:
    """Others may use a part that nobody asks for; when its tier was turned away, the next free place is the tier's."""
    found = filled(plus=30, pro=70)
    assert rooms(found) == [False, False, False]
    found.turn_away("free", 0)
    found.leave("pro0")
    assert rooms(found) == [True, False, False]
    assert rooms(found, now=WANTS_US) == [True, False, True]


def test_a_lower_limit_takes_nothing_away() -> None:
    """When the limit falls under what runs, nobody loses a place and nobody gets one."""
    found = filled(pro=50)
    assert rooms(found, limit=20) == [False, False, False]
    assert len(found) == 50


def test_a_place_is_a_lease() -> None:
    """A place that nobody renews is free when its lease has ended; one that is renewed is not."""
    found = Places(SHARES)
    found.enter("a", "pro", 10)
    found.enter("b", "pro", 10)
    found.renew(["b", "unknown"], 20)
    assert [found.room("pro", 2, now) for now in (9, 10)] == [False, True]
    assert len(found) == 1
    assert [found.leave("b"), found.leave("b")] == [True, False]


def test_a_tier_that_is_not_named_uses_the_whole() -> None:
    """Without shares a tier is let in up to the limit, and keeps nothing."""
    assert filled(free=20, plus=79).room("other", 100, 0)
    assert not filled(free=20, plus=80).room("other", 100, 0)
