"""What is kept of the log of an ended turn, beside its reply: every event and where in the text each delta ends.

Together with the stored message it serves any position for as long as the message exists.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from server.core.events import Delta, Ended, Event, ItemClosed, ItemOpened, Opened, last_seq

_Textless = Opened | ItemOpened | ItemClosed | Ended


class _Run(msgspec.Struct, frozen=True, tag="run", array_like=True):
    """Neighbouring deltas of one item. Most steps are 1 and most lengths small, so a delta takes two bytes."""

    index: int
    seq: int
    """The number of the first delta."""
    steps: list[int]
    """From each delta's number to the next one's."""
    lengths: list[int]
    """Of each delta's text, in code points."""


class _Other(msgspec.Struct, frozen=True, tag="event", array_like=True):
    event: _Textless


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[_Run | _Other])


def pack(events: Sequence[Event]) -> bytes:
    """Return the log without its text, for `unpack`."""
    return _encoder.encode([_run(part) if isinstance(part, list) else _Other(part) for part in _parts(events)])


def unpack(trail: bytes, text: str) -> list[Event]:
    """Return the log that `pack` was given; `text` is the text of all its deltas, joined.

    Raises `ValueError` if `trail` was not made by `pack` or belongs to another text.
    """
    events: list[Event] = []
    start = 0
    for entry in _decoder.decode(trail):
        if isinstance(entry, _Other):
            events.append(entry.event)
            continue
        seq = entry.seq
        for length, step in zip(entry.lengths, [*entry.steps, 0], strict=True):
            events.append(Delta(seq, entry.index, text[start : start + length]))
            seq += step
            start += length
    if start != len(text):
        raise ValueError(f"the trail covers {start} code points of a text of {len(text)}")
    return events


def joined(events: Sequence[Event]) -> list[Event]:
    """Return the events with neighbouring deltas of one item made one, which carries their last number."""
    return [_one(part) if isinstance(part, list) else part for part in _parts(events)]


def after(events: Sequence[Event], seq: int) -> list[Event]:
    """Return what comes after the sequence number `seq` (-1: all), neighbouring deltas joined.

    An event that stands for several frames is returned whole if any of them comes after `seq`.
    """
    return joined([event for event in events if last_seq(event) > seq])


def _run(deltas: Sequence[Delta]) -> _Run:
    steps = [later.seq - earlier.seq for earlier, later in pairwise(deltas)]
    return _Run(deltas[0].index, deltas[0].seq, steps, [len(delta.text) for delta in deltas])


def _one(run: list[Delta]) -> Delta:
    last = run[-1]
    return last if len(run) == 1 else Delta(last.seq, last.index, "".join([delta.text for delta in run]))


def _parts(events: Sequence[Event]) -> Iterator[_Textless | list[Delta]]:
    """Return the events in order, neighbouring deltas of one item as a list."""
    run: list[Delta] = []
    for event in events:
        if isinstance(event, Delta) and (not run or run[-1].index == event.index):
            run.append(event)
            continue
        if run:
            yield run
        run = []
        if isinstance(event, Delta):
            run.append(event)
        else:
            yield event
    if run:
        yield run
