"""What holds of adaptive limits and published caps, whatever happens (invariant I15)."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ratelimit.adaptive.concurrency import CUT_APART_US, SECOND_US, Concurrency
from ratelimit.adaptive.places import Places
from ratelimit.adaptive.publishing import WHOLE, Published, Signs, effective, step
from ratelimit.adaptive.rules import PERIOD_US, Bounds, Rule, Share

EVENTS = st.lists(
    st.one_of(
        st.just("asked"),
        st.just("ended"),
        st.just("dropped"),
        st.just("tick"),
        st.integers(1, 20 * SECOND_US),
    ),
    max_size=100,
)
SIGNS = st.builds(
    lambda seconds, part: Signs(seconds=seconds, strained=seconds * part // 100),
    st.integers(0, 300),
    st.integers(0, 100),
)
RULES = st.builds(
    lambda floors, step, periods, ease: Rule(
        name="premium",
        models=("gpt-4",),
        tiers=("free", "plus", "pro"),
        floors=dict(zip(("free", "plus", "pro"), floors, strict=True)),
        shares={},
        watch=frozenset(),
        step=step,
        every_us=periods * PERIOD_US,
        recover_us=ease * PERIOD_US,
    ),
    st.tuples(*[st.integers(0, 100)] * 3),
    st.integers(1, 50),
    st.integers(1, 5),
    st.integers(1, 8),
)


def run(rule: Rule, signs: list[Signs]) -> list[Published]:
    """Return what is published before the first period and after each."""
    states = [Published()]
    for number, sign in enumerate(signs):
        states.append(step(states[-1], rule, sign, number * PERIOD_US))
    return states


@given(events=EVENTS, least=st.integers(1, 20), more=st.integers(0, 50), most=st.integers(0, 50))
def test_a_limit_stays_within_its_bounds(events: list[str | int], least: int, more: int, most: int) -> None:
    """Whatever an upstream does, the limit keeps its bounds, and falls at most once in five seconds."""
    found = Concurrency(Bounds(least=least, start=least + more, most=least + more + most))
    now, cuts, before = 0, [-CUT_APART_US], found.limit
    for event in events:
        now += SECOND_US // 4
        match event:
            case "asked":
                found.asked()
            case "ended" if found.inflight:
                found.ended()
            case "dropped":
                found.dropped(now)
            case "tick":
                found.tick(now)
            case int(waited):
                found.answered(waited)
            case _:
                pass
        assert least <= found.limit <= least + more + most
        if found.limit < before:
            assert now - cuts[-1] >= CUT_APART_US
            cuts.append(now)
        before = found.limit


@given(inflight=st.integers(0, 200), drops=st.booleans(), waited=st.integers(1, 10 * SECOND_US))
def test_what_stays_the_same_moves_a_limit_one_way(inflight: int, *, drops: bool, waited: int) -> None:
    """Under constant load and constant answers the limit goes one way and comes to rest."""
    found = Concurrency(Bounds(least=10, start=60, most=120))
    for _ in range(inflight):
        found.asked()
    limits = [found.limit]
    for second in range(200):
        found.answered(waited)
        if drops:
            found.dropped(second * SECOND_US)
        found.tick(second * SECOND_US)
        limits.append(found.limit)
    assert limits in (sorted(limits), sorted(limits, reverse=True))
    assert len(set(limits[-20:])) == 1


@given(rule=RULES, signs=st.lists(SIGNS, max_size=60), base=st.integers(1, 10**9))
def test_a_published_cap_is_between_floor_and_base(rule: Rule, signs: list[Signs], base: int) -> None:
    """A cap is never under its floor nor over its base, and a tier that no rule names is never touched."""
    for state in run(rule, signs):
        for tier in rule.tiers:
            cap = effective(base, state.part(tier), rule.floor(tier))
            assert base * rule.floor(tier) / 100 <= cap <= base
        assert state.part("enterprise") == WHOLE


@given(rule=RULES, signs=st.lists(SIGNS, max_size=60))
def test_caps_fall_slowly_and_in_order(rule: Rule, signs: list[Signs]) -> None:
    """Within the time of one step there is one step, and no tier is lowered while one before it is above its floor."""
    states = run(rule, signs)
    lowered = [
        number
        for number, (before, after) in enumerate(pairwise(states))
        if any(after.part(tier) < before.part(tier) for tier in rule.tiers)
    ]
    assert all(PERIOD_US * (b - a) >= rule.every_us for a, b in pairwise(lowered))
    for number in lowered:
        before, after = states[number], states[number + 1]
        (tier,) = [tier for tier in rule.tiers if after.part(tier) < before.part(tier)]
        assert after.part(tier) >= before.part(tier) * (100 - rule.step) // 100
        earlier = rule.tiers[: rule.tiers.index(tier)]
        assert all(before.part(one) <= 10 * rule.floor(one) for one in earlier)


@given(rule=RULES, first=st.lists(SIGNS, max_size=30), sign=SIGNS)
def test_constant_signs_do_not_oscillate(rule: Rule, first: list[Signs], sign: Signs) -> None:
    """While the signs stay the same every cap goes one way and comes to rest, wherever it began."""
    states = run(rule, [*first, *[sign] * 120])[len(first) :]
    for tier in rule.tiers:
        parts = [state.part(tier) for state in states]
        assert parts in (sorted(parts), sorted(parts, reverse=True))


@given(
    limit=st.integers(1, 60),
    calls=st.lists(st.tuples(st.sampled_from(["free", "plus", "pro"]), st.booleans()), max_size=100),
)
def test_nobody_is_let_in_above_the_limit(limit: int, calls: list[tuple[str, bool]]) -> None:
    """However tiers come and go, what runs is never above the limit, and a tier under its part finds the next place."""
    places = Places({"free": Share(stops_at=70, keeps=10), "plus": Share(stops_at=90, keeps=30)})
    inside: list[str] = []
    for number, (tier, leaves) in enumerate(calls):
        if leaves and inside:
            places.leave(inside.pop(0))
        if places.room(tier, limit, number):
            places.enter(f"h{number}", tier, 10**9)
            inside.append(f"h{number}")
        else:
            places.turn_away(tier, number)
            assert len(places) >= limit or 100 * places.of(tier) >= {"free": 10, "plus": 30, "pro": 0}[tier] * limit
        assert len(places) <= limit
