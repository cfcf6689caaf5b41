"""Which part of their base cap tiers have."""

from ratelimit.adaptive.publishing import Published, Signs, effective, step
from ratelimit.adaptive.rules import PERIOD_US, Rule

RULE = Rule(
    name="premium",
    models=("gpt-4",),
    tiers=("free", "plus"),
    floors={"free": 80, "plus": 90},
    shares={},
    watch=frozenset(),
)
BAD, GOOD, MIXED = Signs(seconds=300, strained=60), Signs(seconds=300, strained=15), Signs(seconds=300, strained=59)


def after(*signs: Signs, state: Published | None = None, since: int = 0) -> list[Published]:
    """Return what is published after each of these periods."""
    states = [state or Published()]
    for number, sign in enumerate(signs, since):
        states.append(step(states[-1], RULE, sign, number * PERIOD_US))
    return states[1:]


def test_three_bad_periods_lower_the_first_tier() -> None:
    """A cap is lowered by a tenth after a quarter of an hour of strain; the first tier to its floor, then the next."""
    parts = [dict(state.parts) for state in after(*[BAD] * 15)]
    assert parts[1] == {}
    assert parts[2] == {"free": 900}
    assert parts[4] == {"free": 900}
    assert parts[5] == {"free": 810}
    assert parts[8] == {"free": 800}
    assert parts[11] == {"free": 800, "plus": 900}
    assert parts[14] == {"free": 800, "plus": 900}


def test_half_an_hour_of_ease_raises_the_last_tier() -> None:
    """Caps come back by half a step for each half hour in which all was well, the last to give way first."""
    low = Published(parts={"free": 850, "plus": 980}, since=0)
    states = after(*[GOOD] * 24, state=low)
    assert dict(states[4].parts) == {"free": 850, "plus": 980}
    assert dict(states[5].parts) == {"free": 850, "plus": 1000}
    assert dict(states[11].parts) == {"free": 900, "plus": 1000}
    assert (dict(states[23].parts), states[23].since) == ({}, None)


def test_what_is_neither_good_nor_bad_changes_nothing() -> None:
    """Between the two thresholds the caps stay, and every row of equal periods begins anew."""
    assert dict(after(BAD, BAD, MIXED, BAD, BAD, MIXED)[-1].parts) == {}
    low = Published(parts={"free": 850}, since=0)
    assert dict(after(*[GOOD] * 5, MIXED, *[GOOD] * 5, state=low)[-1].parts) == {"free": 850}


def test_a_raise_that_was_too_early_makes_patient() -> None:
    """A cap that had to be lowered again soon after a raise waits twice as long for the next one."""
    low = Published(parts={"free": 850}, since=0)
    again = after(*[GOOD] * 6, *[BAD] * 3, state=low)[-1]
    assert (dict(again.parts), again.patience) == ({"free": 810}, 2)
    raised = after(*[GOOD] * 12, state=again, since=9)
    assert [dict(state.parts)["free"] for state in raised[10:]] == [810, 860]


def test_a_cap_is_whole_and_above_its_floor() -> None:
    """Parts of caps are rounded to whole units, never under the floor, never to nothing."""
    assert [effective(50, part, 60) for part in (1000, 900, 610, 100)] == [50, 45, 31, 30]
    assert effective(3, 100, 0) == 1
    assert effective(7, 500, 50) == 4
