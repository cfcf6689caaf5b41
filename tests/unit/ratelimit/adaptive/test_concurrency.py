"""How many answers at once one upstream is asked for."""

from ratelimit.adaptive.concurrency import SECOND_US, Concurrency
from ratelimit.adaptive.rules import Bounds

BOUNDS = Bounds(least=10, start=100, most=160)


def busy(inflight: int, bounds: Bounds = BOUNDS) -> Concurrency:
    """Return the limit of an upstream that is writing so many answers."""
    found = Concurrency(bounds)
    for _ in range(inflight):
        found.asked()
    return found


def seconds(found: Concurrency, count: int, *, since: int = 0, waited: int | None = SECOND_US) -> list[int]:
    """Let so many seconds pass, with one first text in each, and return the limit after each."""
    limits = []
    for second in range(since, since + count):
        if waited is not None:
            found.answered(waited)
        found.tick(second * SECOND_US)
        limits.append(found.limit)
    return limits


def test_it_grows_while_it_is_used() -> None:
    """A limit that is used grows by one a second up to the most; one that is not used stays."""
    assert seconds(busy(120), 70)[::30] == [101, 131, 160]
    assert seconds(busy(70), 30)[-1] == 100


def test_a_refusal_cuts_it_once_in_five_seconds() -> None:
    """What was in flight at a refusal is cut by 15 %, and more refusals within 5 seconds change nothing."""
    found = busy(90)
    for moment in (0, 1, 4):
        found.dropped(moment * SECOND_US)
        assert found.limit == 76
    found.dropped(5 * SECOND_US)
    assert found.limit == 65


def test_a_refusal_of_little_traffic_takes_a_part_only() -> None:
    """One refusal with a single answer in flight does not bring the limit to its least."""
    found = busy(1)
    found.dropped(0)
    assert found.limit == 59


def test_it_does_not_go_under_the_least() -> None:
    """Refusals without end bring it to the least and not below."""
    found = busy(50)
    for second in range(200):
        found.dropped(second * SECOND_US)
        found.tick(second * SECOND_US)
    assert found.limit == 10


def test_a_slow_upstream_is_a_soft_brake() -> None:
    """First texts that take more than half as long again as usual cut the limit, and tell of strain."""
    found = busy(100)
    seconds(found, 5)
    slowed = seconds(found, 10, since=5, waited=3 * SECOND_US)
    assert found.slow
    assert slowed[-1] < slowed[0]


def test_a_slow_upstream_that_is_hardly_used_is_left_alone() -> None:
    """Slowness is not ours while less than half of the limit is in flight."""
    found = busy(40)
    seconds(found, 5)
    assert seconds(found, 20, since=5, waited=5 * SECOND_US)[-1] == 100


def test_an_upstream_that_stays_slow_becomes_usual() -> None:
    """A provider that is slower for good is no strain for ever, and mild slowness does not become usual in minutes."""
    found = busy(100)
    seconds(found, 5)
    seconds(found, 120, since=5, waited=2 * SECOND_US)
    assert found.slow
    seconds(found, 3600, since=125, waited=2 * SECOND_US)
    assert not found.slow


def test_what_was_too_much_is_not_tried_at_once_again() -> None:
    """For half a minute after a cut the limit does not grow over what was in flight then."""
    found = busy(90)
    found.dropped(0)
    found.tick(0)
    assert seconds(found, 29, since=1, waited=None)[-1] == 90
    assert seconds(found, 10, since=30, waited=None)[-1] > 90


def test_the_upstream_rests_as_long_as_it_asks() -> None:
    """Retry-After is obeyed, but for what is longer than a minute."""
    found = busy(1)
    found.dropped(0, 2 * SECOND_US)
    assert found.rests_until(SECOND_US) == 2 * SECOND_US
    assert found.rests_until(2 * SECOND_US) is None
    found.dropped(0, 3_600 * SECOND_US)
    assert found.rests_until(SECOND_US) == 60 * SECOND_US


def test_what_is_not_watched_is_not_obeyed() -> None:
    """Refusals and slowness change nothing where the operator does not watch for them."""
    found = Concurrency(BOUNDS, hard=False, soft=False)
    for _ in range(100):
        found.asked()
    found.dropped(0, 5 * SECOND_US)
    assert (found.limit, found.rests_until(1)) == (100, None)
    seconds(found, 5)
    assert seconds(found, 20, since=5, waited=9 * SECOND_US)[-1] >= 100
