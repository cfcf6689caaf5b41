"""What is kept of the log of an ended turn, beside its reply: every event and where in the text each delta ends.

Together with the stored reply it serves any position for as long as the reply exists.
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
    logprobs: list[str] | None = None
    """Of each delta; None if there are none at all."""

    @property
    def whole(self) -> tuple[int, int]:
        """The last number and the size."""
        if self.last is None or self.size is None:
            return self.seq + sum(_numbers(self.steps)), sum(_numbers(self.lengths))
        return self.last, self.size

    def seen(self, seq: int) -> int:
        """Return how many deltas have a number up to `seq`."""
        return bisect_right(list(accumulate(_numbers(self.steps), initial=self.seq)), seq)

    def length(self, deltas: int) -> int:
        """Return how many code points the first `deltas` have."""
        return sum(_numbers(self.lengths)[:deltas])


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

    There is no object per delta and no work per delta, unless a position lies among them. `texts` are those of the
    items, in the order of their indices; raises `ValueError` if `trail` has others or was not made by `pack`.
    """

    def __init__(self, trail: bytes, texts: Sequence[str]) -> None:
        self.events: list[Event] = []
        """All of it, oldest first, neighbouring deltas joined."""
        self._runs: dict[int, _Run] = {}
        """By their place in `events`."""
        starts = [0] * len(texts)
        for entry in _decoder.decode(trail):
            if isinstance(entry, _Other):
                self.events.append(entry.event)
                continue
            last, size = entry.whole
            self._runs[len(self.events)] = entry
            if entry.index >= len(texts):
                raise ValueError(f"the trail covers {entry.index + 1} items, and there are {len(texts)}")
            start = starts[entry.index]
            starts[entry.index] += size
            said = texts[entry.index][start : start + size]
            self.events.append(Delta(last, entry.index, said, _commas(entry.logprobs or ())))
        if starts != [len(text) for text in texts]:
            raise ValueError(
                f"the trail covers {sum(starts)} code points, and not just those of its {len(texts)} texts"
            )

    def after(self, seq: int) -> list[Event]:
        """Return what comes after the sequence number `seq` (-1: all), neighbouring deltas joined.

        An event that stands for several frames is returned whole if any of them comes after `seq`.
        """
        first = next((at for at, event in enumerate(self.events) if last_seq(event) > seq), len(self.events))
        rest = self.events[first:]
        run = self._runs.get(first)
        if run is not None and run.seq <= seq and isinstance(delta := rest[0], Delta):
            seen = run.seen(seq)
            later = _commas((run.logprobs or ())[seen:])
            rest[0] = Delta(delta.seq, delta.index, delta.text[run.length(seen) :], later)
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
        logprobs=[delta.logprobs for delta in deltas] if any(delta.logprobs for delta in deltas) else None,
    )


def _one(run: list[Delta]) -> Delta:
    last = run[-1]
    if len(run) == 1:
        return last
    text = "".join([delta.text for delta in run])
    return Delta(last.seq, last.index, text, _commas([delta.logprobs for delta in run]))


def _commas(logprobs: Sequence[str]) -> str:
    return ",".join(filter(None, logprobs))


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
