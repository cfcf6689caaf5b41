"""The five situations in which servers are compared, each reduced to one figure."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from relay.load import Door, LoadFailed, measure

LATE_MS = 50.0
"""A paced stream is kept up with while the 99th percentile of its lateness stays below this."""

RUNGS = tuple(round(10 * 1.35**step) for step in range(19))
"""The numbers of paced streams that are tried, 10 to 2,200."""

IDLE_SOCKETS = 5000


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured cell: the figure that is compared, and what stood behind it."""

    value: float
    detail: Mapping[str, Any]


Measure = Callable[[Door, Door], Figure]
"""From the server's door and the mock's own to a figure."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation."""

    name: str
    what: str
    unit: str
    more_is_better: bool
    measure: Measure


def first_token(door: Door, direct: Door) -> Figure:
    """Return the milliseconds that the server adds to the first delta, the median of one caller's calls."""
    measure(door, "mock-t8-d5", 1, "--n", 30)
    through = _clean(measure(door, "mock-t8-d5", 1, "--n", 60))
    straight = _clean(measure(direct, "mock-t8-d5", 1, "--n", 60))
    return Figure(through["ttft_ms"]["p50"] - straight["ttft_ms"]["p50"], through)


def per_delta(model: str) -> Measure:
    """Return how to measure the server's CPU microseconds per delta, 50 streams flat out."""

    def measured(door: Door, _: Door) -> Figure:
        got = _clean(measure(door, model, 50, *_window(door), "--timeout", 120))
        if not got["chunks"]:
            raise LoadFailed("no delta arrived within the measured time")
        return Figure(got["cpu_us_per_chunk"], got)

    return measured


def short_replies(door: Door, _: Door) -> Figure:
    """Return the answers of eight deltas per second, 32 callers."""
    got = _clean(measure(door, "mock-t8-d0", 32, *_window(door)))
    if not got["streams"]:
        raise LoadFailed("no answer began and ended within the measured time")
    return Figure(got["streams_s"], got)


def paced(door: Door, _: Door) -> Figure:
    """Return how many streams of 20 ms per delta are kept up with; the true number may be a third higher."""
    steps: list[Mapping[str, Any]] = []
    measure(door, "mock-t20-d0", 1, "--n", 20)

    def behind(callers: int) -> bool:
        pace = ("--n", callers, "--ramp", 1, "--step", 20, "--timeout", 40)
        got = measure(door, "mock-t150-d20", callers, *pace)
        steps.append({"callers": callers, **got})
        return bool(got["late_ms"]["p99"] >= LATE_MS or got["err"] or got["bad"])

    # Something else on the machine may take 50 ms of a core: only what is late twice is too much.
    kept = bisect_left(RUNGS, True, key=lambda callers: behind(callers) and behind(callers))
    return Figure(RUNGS[kept - 1] if kept else 0, {"steps": steps})


def idle(*options: str) -> Measure:
    """Return how to measure the kilobytes of memory per open socket on which nothing happens."""

    def measured(door: Door, _: Door) -> Figure:
        if door.mode != "ws":
            raise LoadFailed("no socket to keep open")
        got = measure(door, "mock-t8-d5", IDLE_SOCKETS, "--n", 1, "--settle", 1.5, *options, mode="idle")
        if got["err"]:
            raise LoadFailed(got["first_error"])
        return Figure(got["kb_per_conn"], got)

    return measured


SCENARIOS = (
    Scenario("S1", "added time to the first delta, p50, one caller", "ms", False, first_token),
    Scenario("S2", "server CPU per delta, 50 streams flat out", "us", False, per_delta("mock-t400-d0")),
    Scenario("S2w8", "the same, 8 deltas in one write of the upstream", "us", False, per_delta("mock-t400-d0-w8")),
    Scenario("S3", "paced streams (20 ms per delta) with p99 lateness < 50 ms", "streams", True, paced),
    Scenario("S4", "memory per idle socket", "kB", False, idle()),
    Scenario("S4z", "the same, the client offers deflate as browsers do", "kB", False, idle("--deflate")),
    Scenario("S5", "short replies (8 deltas), 32 callers", "per second", True, short_replies),
)


def _window(door: Door) -> tuple[str | float, ...]:
    return "--duration", 3 * door.stretch, "--warmup", door.stretch


def _clean(got: Mapping[str, Any]) -> Mapping[str, Any]:
    """Pass figures on in which every transcript was right."""
    if got["err"] or got["bad"]:
        raise LoadFailed(f"{got['err']} failed, {got['bad']} wrong transcripts: {got['first_error']}")
    return got
