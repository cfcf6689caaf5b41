"""The fast loop: how many answers at once one upstream of one model is asked for.

Grows by one a second while it is used, and is cut by a part when the upstream refuses or becomes slow (AIMD): of the
simple laws the one that finds a capacity that halves and comes back, and neither ignores refusals nor drifts upwards.
"""

from ratelimit.adaptive.rules import Bounds

SECOND_US = 1_000_000
CUT = 0.85
CUT_APART_US = 5 * SECOND_US
"""At most one cut in the time in which the last one shows."""
WARY_US = 30 * SECOND_US
"""For so long after a cut the limit does not grow over what was too much then: it need not be found out each time."""
USED = 0.7
"""A limit that is used less than this does not grow: nobody knows whether there would be room."""
SLOW = 1.5
"""The first text takes this many times as long as it does when all is well."""
LONGEST_REST_US = 60 * SECOND_US
"""An upstream that asks for a longer rest is tried again after this all the same."""
_SMOOTH = 0.3
_DRIFT = 1 / 1800
"""By this part of the difference a second what counts as well follows what is seen, where it became slower."""


class Concurrency:
    """The limit of one upstream of one model, which follows what the upstream does.

    `hard` obeys refusals and time-outs, `soft` the time to the first text. Either may be off.
    """

    def __init__(self, bounds: Bounds, *, hard: bool = True, soft: bool = True) -> None:
        self._bounds, self._hard, self._soft = bounds, hard, soft
        self._limit = float(bounds.start)
        self._cut_at: int | None = None
        self._too_many = 0
        """What was in flight at the last cut."""
        self._resting = 0
        self._dropped = False
        self._waits: list[int] = []
        self._waited: float | None = None
        """Microseconds to the first text, smoothed."""
        self._usual: float | None = None
        """The same when all is well."""
        self.inflight = 0

    @property
    def limit(self) -> int:
        """Answers at once."""
        return int(self._limit)

    @property
    def slow(self) -> bool:
        """Whether the first text takes much longer than usual."""
        return self._waited is not None and self._usual is not None and self._waited > SLOW * self._usual

    def rests_until(self, now: int) -> int | None:
        """Return until when the upstream wants to be left alone; None if it does not."""
        return self._resting if self._resting > now else None

    def asked(self) -> None:
        """A call begins."""
        self.inflight += 1

    def ended(self) -> None:
        """A call is over, however it went."""
        self.inflight -= 1

    def dropped(self, now: int, retry_after_us: int | None = None) -> None:
        """The upstream refused a call for want of room, or did not answer in time."""
        if not self._hard:
            return
        self._dropped = True
        if retry_after_us:
            self._resting = max(self._resting, now + min(retry_after_us, LONGEST_REST_US))
        # What was in flight is what was too much; a limit that nobody filled says little.
        self._cut(now, below=float(self.inflight))

    def answered(self, waited_us: int) -> None:
        """A call's first text came."""
        self._waits.append(waited_us)

    def tick(self, now: int) -> bool:
        """End a second; return whether the upstream was strained in it."""
        self._note_waits()
        slow = self._soft and self.slow and self.inflight >= self._limit / 2
        strained = self._dropped or slow
        if slow:
            self._cut(now, below=self._limit)
        elif not self._dropped and self.inflight > self._limit * USED:
            self._grow(now)
        self._dropped = False
        return strained

    def _grow(self, now: int) -> None:
        wary = self._cut_at is not None and now - self._cut_at < WARY_US
        most = min(self._bounds.most, self._too_many) if wary else self._bounds.most
        self._limit = max(self._limit, min(self._limit + 1, float(most)))

    def _cut(self, now: int, *, below: float) -> None:
        if self._cut_at is not None and now - self._cut_at < CUT_APART_US:
            return
        self._cut_at = now
        self._too_many = self.inflight
        # A few refusals of little traffic must not take it all.
        start = max(min(self._limit, below), self._limit * USED)
        self._limit = max(start * CUT, float(self._bounds.least))

    def _note_waits(self) -> None:
        if not self._waits:
            return
        waits = sorted(self._waits)
        self._waits.clear()
        median = float(waits[len(waits) // 2])
        self._waited = median if self._waited is None else self._waited + _SMOOTH * (median - self._waited)
        if self._usual is None or self._waited < self._usual:
            self._usual = self._waited
        else:
            self._usual += _DRIFT * (self._waited - self._usual)
