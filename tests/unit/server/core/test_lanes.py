"""Lanes: order within a lane, concurrency between lanes, and the limits of a socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.errors import Refused
from server.core.lanes import MOST_NAMED, MOST_RUNNING, MOST_WAITING, Lanes


def empty() -> Lanes[int]:
    """Return the lanes of a new socket."""
    return Lanes()


def test_a_lane_runs_one_request_at_a_time() -> None:
    """The second request of a lane waits until the first has left."""
    lanes, started = empty().arrive("a", 1).arrive("a", 2).start()
    assert started == [("a", 1)]
    lanes, started = lanes.leave("a").start()
    assert started == [("a", 2)]
    assert lanes.waiting == ()


def test_lanes_run_beside_each_other() -> None:
    """Requests of different lanes start at once, the default lane among them."""
    _, started = empty().arrive("a", 1).arrive(None, 2).arrive("b", 3).start()
    assert started == [("a", 1), (None, 2), ("b", 3)]


def test_the_seventeenth_answer_waits() -> None:
    """No more than 16 requests run; the next one starts when one of them leaves."""
    lanes = empty()
    for number in range(MOST_RUNNING + 1):
        lanes = lanes.arrive(f"lane-{number}", number)
    lanes, started = lanes.start()
    assert len(started) == MOST_RUNNING
    _, started = lanes.leave("lane-3").start()
    assert started == [(f"lane-{MOST_RUNNING}", MOST_RUNNING)]


def test_the_thirty_third_name_is_refused_and_the_default_lane_does_not_count() -> None:
    """A socket may use 32 names; known names and the default lane stay usable after that."""
    lanes = empty()
    for number in range(MOST_NAMED):
        lanes, _ = lanes.arrive(f"lane-{number}", number).start()
        lanes = lanes.leave(f"lane-{number}")
        lanes, _ = lanes.start()
    with pytest.raises(Refused) as refused:
        lanes.arrive("one-more", 0)
    assert refused.value.code == "websocket_stream_limit_reached"
    lanes.arrive(None, 0).arrive("lane-0", 0)


def test_the_queue_of_a_socket_is_bounded() -> None:
    """Of what cannot run, 64 requests may wait; the next one is refused and changes nothing."""
    lanes, _ = empty().arrive(None, 0).start()
    for number in range(MOST_WAITING):
        lanes = lanes.arrive(None, number)
    with pytest.raises(Refused) as refused:
        lanes.arrive(None, 99)
    assert refused.value.code == "websocket_queue_limit_reached"
    assert len(lanes.waiting) == MOST_WAITING
    assert lanes.arrive("idle", 100).start()[1] == [("idle", 100)]


NAMES = st.sampled_from([None, *(f"lane-{number}" for number in range(MOST_NAMED + 2))])


@given(st.lists(st.one_of(st.tuples(st.just("arrive"), NAMES), st.tuples(st.just("leave"), NAMES)), max_size=120))
def test_any_traffic_keeps_the_order_and_the_limits(steps: list[tuple[str, str | None]]) -> None:
    """Whatever arrives and leaves: each lane is served in order, once each, and no limit is passed."""
    lanes = empty()
    arrived: dict[str | None, list[int]] = {}
    served: dict[str | None, list[int]] = {}
    for number, (what, lane) in enumerate(steps):
        if what == "arrive":
            try:
                lanes = lanes.arrive(lane, number)
            except Refused:
                continue
            arrived.setdefault(lane, []).append(number)
        else:
            lanes = lanes.leave(lane)
        lanes, started = lanes.start()
        for name, ticket in started:
            served.setdefault(name, []).append(ticket)
        assert len(lanes.running) <= MOST_RUNNING
        assert len(lanes.waiting) <= MOST_WAITING
        assert len(lanes.named) <= MOST_NAMED
        if len(lanes.running) < MOST_RUNNING:
            assert all(name in lanes.running for name, _ in lanes.waiting)
    for lane, tickets in served.items():
        assert arrived[lane][: len(tickets)] == tickets
    assert sum(map(len, served.values())) + len(lanes.waiting) == sum(map(len, arrived.values()))
