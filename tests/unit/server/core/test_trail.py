"""The trail of an ended turn, and the joining of deltas."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core import trail
from server.core.events import SPAN, Delta, Ended, Event, ItemClosed, ItemOpened, Opened, last_seq
from server.core.records import Outcome, TurnStatus, Usage

DONE = Outcome(status=TurnStatus.COMPLETED, usage=Usage(input_tokens=3, output_tokens=2), ended_at=7)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Logs of any shape, whose numbers rise and sometimes skip."""
    texts = st.text(max_size=8)
    makers = st.one_of(
        st.builds(lambda: Opened(0)),
        st.builds(lambda i: ItemOpened(0, i, f"msg_{i}"), st.integers(0, 2)),
        st.builds(lambda i, text: Delta(0, i, text), st.integers(0, 2), texts),
        st.builds(lambda i, text: Delta(0, i, text, '{"token":"x"}'), st.integers(0, 2), texts),
        st.builds(lambda i: ItemClosed(0, i, "incomplete"), st.integers(0, 2)),
        st.builds(lambda: Ended(0, DONE)),
    )
    seq, events = 0, []
    for event in draw(st.lists(makers, max_size=30)):
        seq += draw(st.sampled_from([0, 0, 0, 1, 300]))
        events.append(_numbered(event, seq))
        seq += SPAN[type(event)]
    return events


def _numbered(event: Event, seq: int) -> Event:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return type(event)(**(fields | {"seq": seq}))


def texts_of(events: list[Event]) -> list[str]:
    said = [event for event in events if isinstance(event, Delta)]
    return ["".join(delta.text for delta in said if delta.index == index) for index in range(3)]


def logprobs_of(events: list[Event]) -> list[str]:
    told = (event.logprobs for event in events if isinstance(event, Delta) and event.logprobs)
    return ",".join(told).split(",")


@given(logs())
def test_a_log_comes_back_from_its_trail_and_text(events: list[Event]) -> None:
    """Packing loses nothing but the text, which the stored message has, and the borders of deltas until they matter."""
    assert trail.Kept(trail.pack(events), texts_of(events)).events == trail.joined(events)


@given(logs(), st.integers(-1, 400))
def test_what_comes_after_a_position_says_the_same_as_the_log(events: list[Event], seq: int) -> None:
    """After any position come exactly the later events, with neighbouring deltas joined and no text lost."""
    rest = [event for event in events if last_seq(event) > seq]
    assert trail.Kept(trail.pack(events), texts_of(events)).after(seq) == trail.joined(rest)


@given(logs())
def test_neighbouring_deltas_are_always_joined(events: list[Event]) -> None:
    """A follower never gets two deltas of one item in a row."""
    shown = trail.joined(events)
    assert texts_of(shown) == texts_of(events)
    assert logprobs_of(shown) == logprobs_of(events)
    assert [e for e in shown if not isinstance(e, Delta)] == [e for e in events if not isinstance(e, Delta)]
    assert all(not (isinstance(a, Delta) and isinstance(b, Delta) and a.index == b.index) for a, b in pairwise(shown))


def test_a_trail_of_an_older_version_is_read() -> None:
    """Trails that say neither their last number nor their size serve the same positions."""
    old = msgspec.msgpack.encode([["event", {"type": "opened", "seq": 0}], ["run", 0, 4, [1, 4], [2, 3, 1]]])
    kept = trail.Kept(old, ["Hello!"])
    assert kept.events == [Opened(0), Delta(9, 0, "Hello!")]
    assert kept.after(5) == [Delta(9, 0, "!")]


def test_a_joined_delta_carries_the_last_number() -> None:
    """A position that a client was told is the last one that the joined delta covers."""
    events: list[Event] = [Opened(0), Delta(4, 0, "He"), Delta(5, 0, "llo"), Delta(9, 0, "!"), ItemClosed(10, 0)]
    assert trail.joined(events) == [Opened(0), Delta(9, 0, "Hello!"), ItemClosed(10, 0)]


def test_deltas_of_different_items_stay_apart() -> None:
    """Text of one item never moves into another."""
    events: list[Event] = [Delta(4, 0, "a"), Delta(5, 1, "b"), Delta(6, 1, "c")]
    assert trail.joined(events) == [Delta(4, 0, "a"), Delta(6, 1, "bc")]


def test_a_trail_is_small() -> None:
    """An ordinary answer of 400 deltas takes about two bytes for each."""
    events: list[Event] = [Opened(0), ItemOpened(2, 0, "msg_1"), *(Delta(n, 0, " word") for n in range(4, 404))]
    assert len(trail.pack(events)) < 920


@pytest.mark.parametrize("text", ["", "short", "a text that is far too long"])
def test_a_trail_of_another_text_is_refused(text: str) -> None:
    """A trail that does not cover its text exactly is an error, not a wrong answer."""
    packed = trail.pack([Delta(4, 0, "Hello"), Delta(5, 0, " world")])
    with pytest.raises(ValueError, match="trail covers"):
        trail.Kept(packed, [text])


def test_bytes_that_are_no_trail_are_refused() -> None:
    """Damaged bytes raise `ValueError`."""
    with pytest.raises(ValueError, match=r".+"):
        trail.Kept(b"\xc1", [])
