"""The show of bench/caps/demand.py in small: an upstream whose capacity halves and comes back."""

from dataclasses import replace
from itertools import pairwise

import pytest

from bench.caps.demand import ADAPTIVE, SHARES, STATIC, Found, Scenario, measure
from ratelimit.adaptive import Bounds

SMALL = Scenario(seconds=420, halves=120, returns=300)


@pytest.fixture(scope="module")
def adaptive() -> Found:
    """What the adaptive policy makes of it."""
    return measure(ADAPTIVE, SMALL)


def test_the_highest_tier_hardly_notices(adaptive: Found) -> None:
    """Over 95 % of pro is answered, and the upstream refuses at most a tenth of what it does under a fixed limit."""
    static = measure(STATIC, SMALL)
    assert adaptive.served("pro") > 0.95
    assert static.served("pro") < 0.95
    assert adaptive.refused <= static.refused / 10
    assert sum(adaptive.answered.values()) > sum(static.answered.values())


def test_tiers_give_way_in_their_order(adaptive: Found) -> None:
    """The first tier to give way is served least, and none goes without."""
    assert adaptive.served("pro") > adaptive.served("plus") > adaptive.served("free") > 0.1


def test_the_limit_follows_the_capacity_and_does_not_swing(adaptive: Found) -> None:
    """Half a minute after a change the limit is near the capacity and stays there until the next one."""
    for since, until, capacity in ((150, 300, 50), (390, 420, 100)):
        limits = [one.limit for one in adaptive.seconds[since:until]]
        assert 0.7 * capacity <= min(limits)
        assert max(limits) <= 1.6 * capacity


def test_published_caps_go_down_and_come_back_once() -> None:
    """Over two hours with half the capacity in the first, each cap falls, keeps its floor, and only then rises."""
    calls = tuple((tier, rate / 4) for tier, rate in (("free", 9.0), ("plus", 4.0), ("pro", 1.5)))
    calm = Scenario(seconds=7200, halves=0, returns=3600, capacity=30, calls=calls)
    rule = replace(ADAPTIVE, at_once=Bounds(least=5, start=30, most=60))
    seconds = measure(rule, calm).seconds
    for tier in SHARES:
        parts = [one.parts[tier] for one in seconds]
        turns = [after > before for before, after in pairwise(parts) if after != before]
        assert turns == sorted(turns)
        assert min(parts) >= 10 * rule.floor(tier)
    assert min(one.parts["free"] for one in seconds) < 800
