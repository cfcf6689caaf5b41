"""What is kept of the log of an ended turn, beside its reply: every event and where in the text each delta ends.

Together with the stored message it serves any position for as long as the message exists.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import msgspec

from server.core.events import Delta, Ended, Event, ItemClosed, ItemOpened, Opened, last_seq

_Textless = Opened | ItemOpened | ItemClosed | Ended


class _Run(msgspec.Struct, frozen=True, tag="run", array_like=True):
    """Neighbouring deltas of one item. Most steps are 1 and most lengths small, so a delta takes two bytes.

    What a client has seen in part is rare, so the two lists are left undecoded until somebody asks for a part.
    """

    index: int
    seq: int
    """The number of the first delta."""
    steps: msgspec.Raw
    """From each delta's number to the next one's."""
    lengths: msgspec.Raw
    """Of each delta's text, in code points."""
    last: int | None = None
    """The number of the last delta. Trails that are older than this member do without."""
    size: int | None = None
    """Of all texts together, in code points."""

    @property
    def whole(self) -> tuple[int, int]:
        """The last number and the size."""
        if self.last is None or self.size is None:
            return self.seq + sum(_numbers(self.steps)), sum(_numbers(self.lengths))
        return self.last, self.size

    def seen(self, seq: int) -> int:
        """Return how many code points belong to deltas up to the number `seq`."""
        numbers = list(accumulate(_numbers(self.steps), initial=self.seq))
        return sum(_numbers(self.lengths)[: bisect_right(numbers, seq)])


class _Other(msgspec.Struct, frozen=True, tag="event", array_like=True):
    event: _Textless


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[_Run | _Other])
_numbers = msgspec.msgpack.Decoder(list[int]).decode


def pack(events: Sequence[Event]) -> bytes:
    """Return the log without its text, for `Kept`."""
    return _encoder.encode([_run(part) if isinstance(part, list) else _Other(part) for part in _parts(events)])


class Kept:
    """The log of an ended turn, of which its trail and its text are kept: serves any position.

    There is no object per delta and no work per delta, unless a position lies among them. `text` is that of all deltas,
    joined; raises `ValueError` if `trail` belongs to another text or was not made by `pack`.
    """

    def __init__(self, trail: bytes, text: str) -> None:
        self.events: list[Event] = []
        """All of it, oldest first, neighbouring deltas joined."""
        self._runs: dict[int, _Run] = {}
        """By their place in `events`."""
        start = 0
        for entry in _decoder.decode(trail):
            if isinstance(entry, _Other):
                self.events.append(entry.event)
                continue
            last, size = entry.whole
            self._runs[len(self.events)] = entry
            self.events.append(Delta(last, entry.index, text[start : start + size]))
            start += size
        if start != len(text):
            raise ValueError(f"the trail covers {start} code points of a text of {len(text)}")

    def after(self, seq: int) -> list[Event]:
        """Return what comes after the sequence number `seq` (-1: all), neighbouring deltas joined.

        An event that stands for several frames is returned whole if any of them comes after `seq`.
        """
        first = next((at for at, event in enumerate(self.events) if last_seq(event) > seq), len(self.events))
        rest = self.events[first:]
        run = self._runs.get(first)
        if run is not None and run.seq <= seq and isinstance(delta := rest[0], Delta):
            rest[0] = Delta(delta.seq, delta.index, delta.text[run.seen(seq) :])
        return rest


def joined(events: Sequence[Event]) -> list[Event]:
    """Return the events with neighbouring deltas of one item made one, which carries their last number."""
    return [_one(part) if isinstance(part, list) else part for part in _parts(events)]


def _run(deltas: Sequence[Delta]) -> _Run:
    steps = [later.seq - earlier.seq for earlier, later in pairwise(deltas)]
    lengths = [len(delta.text) for delta in deltas]
    return _Run(
        index=deltas[0].index,
        seq=deltas[0].seq,
        steps=msgspec.Raw(_encoder.encode(steps)),
        lengths=msgspec.Raw(_encoder.encode(lengths)),
        last=deltas[-1].seq,
        size=sum(lengths),
    )


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
