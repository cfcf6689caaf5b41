"""The arithmetic of one counter."""

from hypothesis import given
from hypothesis import strategies as st

from ratelimit.meter import MAX_ENTRIES, SLOTS, Level, Meter

WINDOW = 1_280_000


def level(meter: Meter, now: int, *, cap: int = 100, amount: int = 1, window: int = WINDOW) -> Level:
    """Return the level with this module's usual cap and window."""
    return meter.level(now=now, cap=cap, amount=amount, window=window)


def settled(*charges: tuple[int, int]) -> Meter:
    """Return a meter with these settled (time, amount) charges."""
    meter = Meter()
    for number, (at, amount) in enumerate(charges):
        meter.hold(f"h{number}", at=at, amount=amount, window=WINDOW, deadline=at + 10)
        meter.settle(f"h{number}", at=at, amount=amount, window=WINDOW)
    return meter


def test_an_empty_counter_has_no_times() -> None:
    """Nothing is used, held or to wait for."""
    found = level(Meter(), 5)
    assert (found.used, found.held, found.fits, found.at_most) == (0, 0, True, False)
    assert (found.next_at, found.next_free_at, found.full_at) == (None, None, None)


def test_a_charge_leaves_exactly_one_window_later() -> None:
    """One microsecond before the edge it counts, at the edge it does not."""
    meter = settled((7, 100))
    assert level(meter, 7 + WINDOW - 1).used == 100
    assert level(meter, 7 + WINDOW).used == 0
    assert level(meter, 8).next_at == 7 + WINDOW


def test_a_held_charge_frees_at_its_deadline_at_the_earliest() -> None:
    """For a window shorter than the lease the latest next time is the end of the lease."""
    meter = Meter()
    meter.hold("h", at=0, amount=1, window=0, deadline=50)
    found = level(meter, 10, cap=1, window=0)
    assert (found.next_at, found.at_most, found.next_free_at, found.full_at) == (50, True, 50, 50)
    meter.renew("h", 90)
    assert level(meter, 10, cap=1, window=0).next_at == 90


def test_a_level_changes_nothing() -> None:
    """Reading a level in the future leaves the present as it is."""
    meter = settled((0, 60))
    level(meter, 10 * WINDOW)
    assert level(meter, 1).used == 60


def test_pruning_changes_no_level() -> None:
    """What pruning forgets was not counted any more; what is in flight stays."""
    meter = settled((0, 10), (5, 20))
    meter.hold("old", at=5, amount=1, window=WINDOW, deadline=10 * WINDOW)
    meter.settle("late", at=6, amount=30, window=WINDOW)
    before = level(meter, 5 + WINDOW)
    meter.prune(5 + WINDOW)
    assert level(meter, 5 + WINDOW) == before
    assert (before.used, before.held, len(meter)) == (30, 1, 2)


def test_many_small_charges_take_bounded_room() -> None:
    """However many requests a window has, the log stays short, and its sum exact while all is in the window."""
    meter = settled(*((number, 1) for number in range(5_000)))
    assert len(meter) <= MAX_ENTRIES + 1
    assert level(meter, 5_000).used == 5_000


def test_what_is_in_flight_is_never_merged() -> None:
    """Held charges keep their own time and can be weighed again, however many there are."""
    meter = Meter()
    for number in range(3 * MAX_ENTRIES):
        meter.hold(f"h{number}", at=number, amount=5, window=WINDOW, deadline=WINDOW)
    for number in range(3 * MAX_ENTRIES):
        meter.settle(f"h{number}", at=number, amount=1, window=WINDOW)
    assert level(meter, 1_000).used == 3 * MAX_ENTRIES


def test_progress_that_was_merged_is_not_counted_twice() -> None:
    """The truth of a lapsed hold adds only what its merged progress had not counted."""
    meter = Meter()
    meter.hold("slow", at=0, amount=90, window=WINDOW, deadline=5)
    meter.settle("slow", at=0, amount=30, window=WINDOW)
    for number in range(1, 2 * MAX_ENTRIES):
        meter.settle(f"h{number}", at=number, amount=1, window=WINDOW)
    meter.settle("slow", at=0, amount=70, window=WINDOW, counted=30)
    assert level(meter, 1_000).used == 70 + 2 * MAX_ENTRIES - 1


@given(
    gaps=st.lists(st.integers(0, WINDOW // 100), min_size=MAX_ENTRIES, max_size=3 * MAX_ENTRIES),
    look=st.integers(0, 2 * WINDOW),
)
def test_merged_charges_leave_late_but_never_early(gaps: list[int], look: int) -> None:
    """A merged log counts at least what is in the window, and at most what was there one slot ago."""
    meter, times, at = Meter(), [], 0
    for number, gap in enumerate(gaps):
        at += gap
        times.append(at)
        meter.settle(f"h{number}", at=at, amount=1, window=WINDOW)
        meter.prune(at)
    now = at + look
    used = level(meter, now).used
    late = WINDOW // SLOTS
    assert sum(now - WINDOW < time for time in times) <= used <= sum(now - WINDOW - late < time for time in times)


@given(
    charges=st.lists(st.tuples(st.integers(0, WINDOW), st.integers(1, 40)), max_size=30),
    now=st.integers(0, 2 * WINDOW),
    cap=st.integers(1, 200),
    amount=st.integers(1, 60),
)
def test_next_time_is_tight(charges: list[tuple[int, int]], now: int, cap: int, amount: int) -> None:
    """At the next time the amount fits, one microsecond before it does not, by the definition of a window."""
    meter = settled(*sorted(charges))

    def fits(at: int) -> bool:
        return sum(units for time, units in charges if time > at - WINDOW) + amount <= cap

    found = level(meter, now, cap=cap, amount=amount)
    assert found.fits == fits(now)
    if found.next_at is not None:
        assert found.next_at > now
        assert fits(found.next_at)
        assert not fits(found.next_at - 1)
    elif not found.fits:
        assert amount > cap


@given(
    charges=st.lists(st.tuples(st.integers(0, WINDOW), st.integers(1, 40)), max_size=20),
    now=st.integers(0, 2 * WINDOW),
    later=st.integers(0, WINDOW),
    cap=st.integers(1, 200),
    more=st.integers(0, 50),
)
def test_time_and_a_higher_cap_only_help(
    charges: list[tuple[int, int]], now: int, later: int, cap: int, more: int
) -> None:
    """Neither waiting nor raising the cap turns an admission into a refusal or lowers what remains."""
    meter = settled(*sorted(charges))
    before, after = level(meter, now, cap=cap), level(meter, now + later, cap=cap + more)
    assert after.fits >= before.fits
    assert after.remaining >= before.remaining


def test_warnings_are_levels() -> None:
    """A level says when four fifths are taken and when one unit is left."""
    assert not level(settled((0, 79)), 1).nearly
    assert level(settled((0, 80)), 1).nearly
    assert level(settled((0, 99)), 1).last_one
    assert not level(settled((0, 100)), 1).last_one


def test_a_meter_is_its_rows() -> None:
    """A meter made of the stored rows of another one answers as that one does."""
    meter = Meter()
    for number in range(5):
        meter.hold(f"h{number}", at=100 * number, amount=number + 1, window=1_000, deadline=700 + number)
    meter.settle("h1", at=100, amount=7, window=1_000)
    meter.settle("h2", at=200, amount=0, window=1_000)
    again = Meter.of(meter.rows, meter.keep)
    again.settle("h3", at=300, amount=2, window=1_000)
    meter.settle("h3", at=300, amount=2, window=1_000)
    for now in (500, 1_100, 1_101, 1_500):
        assert again.level(now=now, cap=20, amount=9, window=900) == meter.level(now=now, cap=20, amount=9, window=900)
    assert again.empty_at() == meter.empty_at()


@given(
    at=st.integers(0, 50),
    amount=st.integers(1, 30),
    held=st.booleans(),
    now=st.integers(50, 200),
    cap=st.integers(1, 60),
)
def test_what_fits_is_what_the_level_says(at: int, amount: int, held: bool, now: int, cap: int) -> None:  # noqa: FBT001
    """The short answer is the long one's."""
    meter = Meter()
    meter.hold("h1", at=at, amount=amount, window=100, deadline=180)
    meter.settle("h2", at=50, amount=20, window=100)
    if not held:
        meter.settle("h1", at=at, amount=amount, window=100)
    level = meter.level(now=now, cap=cap, amount=5, window=90)
    assert meter.fits(now=now, cap=cap, amount=5, window=90) == level.fits
