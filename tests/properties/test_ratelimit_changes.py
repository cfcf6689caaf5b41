"""What calls may do to caps, whatever came before them: releases undo, charges only take, fallbacks spare the cap."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ratelimit import Held, Refused
from ratelimit.ledger import Demand, HoldRequest, Reading, Taken
from ratelimit.ledgers.memory import MemoryLedger
from tests.properties.ledger_machine import LEASE, UNITS, WINDOWS, demand, run
from tests.unit.ratelimit.house import HOUR, House

AGO = st.integers(0, 900)
PAST = st.lists(st.tuples(AGO, st.integers(1, 60), st.sampled_from(["settle", "release", "leave"])), max_size=12)


class Clock:
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        self.now = 10_000

    def __call__(self) -> int:
        return self.now


def request(hold_id: str, tokens: int) -> HoldRequest:
    """Ask for one message, some tokens and a place."""
    demands = tuple(demand(unit, tokens if unit == "tokens" else 1) for unit in UNITS)
    return HoldRequest(hold_id=hold_id, subject="ana", model="gpt-4", demands=demands, lease_us=LEASE)


def lived(past: Sequence[tuple[int, int, str]]) -> tuple[MemoryLedger, Clock]:
    """Return a ledger with a past: steps of time, amounts and how each hold ended."""
    clock = Clock()
    ledger = MemoryLedger(clock=clock)
    for number, (gap, tokens, end) in enumerate(past):
        clock.now += gap
        run(ledger.take(request(f"h{number}", tokens)))
        if end == "settle":
            run(ledger.settle(f"h{number}", {"tokens": tokens // 2}))
        elif end == "release":
            run(ledger.release(f"h{number}"))
    return ledger, clock


def seen(ledger: MemoryLedger, *, caps: dict[str, int] | None = None) -> Reading:
    """Return the level of each counter, for one unit more."""
    demands = [demand(unit, 1) for unit in UNITS]
    if caps:
        demands = [Demand(charge=one.charge, cap=caps[one.charge.unit]) for one in demands]
    return run(ledger.levels(demands))


@given(past=PAST, tokens=st.integers(1, 60), gap=AGO, later=AGO)
def test_a_release_undoes_its_hold(past: list[tuple[int, int, str]], tokens: int, gap: int, later: int) -> None:
    """A ledger that took and released a hold shows, now and later, what its twin shows that never did."""
    (ledger, clock), (twin, twins_clock) = lived(past), lived(past)
    run(ledger.take(request("more", tokens)))
    clock.now, twins_clock.now = clock.now + gap, twins_clock.now + gap
    run(ledger.release("more"))
    for _ in range(2):
        assert seen(ledger) == seen(twin)
        for unit in UNITS:
            key, window = f"ana|{unit}", WINDOWS[unit]
            assert run(ledger.entries(key, window_us=window)) == run(twin.entries(key, window_us=window))
        clock.now, twins_clock.now = clock.now + later, twins_clock.now + later


@given(past=PAST, tokens=st.integers(1, 60), actual=st.integers(0, 90), more=st.integers(0, 50), gap=AGO)
def test_only_time_refunds_and_higher_caps_make_room(
    past: list[tuple[int, int, str]], tokens: int, actual: int, more: int, gap: int
) -> None:
    """Taking only takes, settling gives back at most the rest of its hold, and time and a higher cap only help."""
    ledger, clock = lived(past)
    before = seen(ledger).levels
    taken = isinstance(run(ledger.take(request("more", tokens))), Taken)
    after = seen(ledger).levels
    for unit in UNITS:
        amount = (tokens if unit == "tokens" else 1) if taken else 0
        assert after[f"ana|{unit}"].remaining == before[f"ana|{unit}"].remaining - amount
    if taken:
        run(ledger.settle("more", {"tokens": actual}))
        # What was settled above a cap is owed, and nothing more than that remains.
        given_back = seen(ledger).levels["ana|tokens"].remaining - after["ana|tokens"].remaining
        assert given_back <= max(0, tokens - actual)
    now = seen(ledger).levels
    raised = seen(ledger, caps={unit: now[f"ana|{unit}"].cap + more for unit in UNITS}).levels
    clock.now += gap
    later = seen(ledger).levels
    for key, level in now.items():
        for helped in (raised[key], later[key]):
            assert helped.remaining >= level.remaining
            assert helped.fits or not level.fits


ASKS = st.lists(
    st.tuples(
        st.sampled_from(["gpt-4", "gpt-4-mini", "local"]),
        st.sampled_from(["free", "plus"]),
        st.integers(1, 400),
        st.integers(0, 2 * HOUR),
    ),
    min_size=1,
    max_size=25,
)


@given(asks=ASKS)
def test_a_fallback_is_never_charged_to_the_cap_that_was_reached(asks: list[tuple[str, str, int, int]]) -> None:
    """Who is answered by another model pays no cap on the one asked for, and who is refused pays nothing."""
    house = House()
    for model, tier, tokens, gap in asks:
        house.now += gap
        before = {row.id: row.used + row.held for row in run(house.limiter.usage("ana", tier)).rows}
        answer = run(house.ask(model, tier=tier, tokens=tokens))
        after = {row.id: row.used + row.held for row in run(house.limiter.usage("ana", tier)).rows}
        if isinstance(answer, Refused):
            assert after == before
            continue
        assert isinstance(answer, Held)
        charged = {charge.key.partition("|")[2] for charge in answer.charges}
        assert {id_ for id_, count in after.items() if count != before[id_]} == charged
        if answer.served_by is not None:
            assert not charged & {"premium.messages", "gpt-4.messages"}
        run(house.limiter.settle(answer.hold_id, {}))
