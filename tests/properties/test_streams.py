"""Whatever happens to connections, processes and logs, a client ends with exactly the text that was committed."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import pytest

from client.answer import Answer
from server.chat.live import LiveTurn
from server.chat.mirrors import _Mirror as Mirror
from server.core import trail
from server.core.events import Delta, Event
from tests.properties.stream_machine import check


def test_any_interleaving_gives_the_models_text() -> None:
    """Append, commit, cut, resume, end, compact, forget, adopt and mirror: the model's text, or a documented error."""
    check(examples=100)


def after_and_the_one_before(self: LiveTurn, position: int) -> list[Event]:
    """Be `LiveTurn.after`, off by one."""
    return trail.joined(self._events[bisect_left(self._lasts, position) :])


def named_by_its_first(run: list[Delta]) -> Delta:
    """Join deltas under the number of the first."""
    return Delta(run[0].seq, run[0].index, "".join(delta.text for delta in run))


def seen_but_for_the_last(self: Any, seq: int) -> int:
    """Cut the kept text of a run one delta too early."""
    return SEEN(self, seq - 1)


def resuming_one_too_early(answer: Answer, lane: str) -> dict[str, Any]:
    """Ask for what was seen last once more."""
    frame = REQUEST(answer, lane)
    return frame | ({"starting_after": frame["starting_after"] - 1} if frame.get("starting_after", 0) > 3 else {})


def reloading_without_memory(answer: Answer) -> bool:
    """Take the whole answer once more for new."""
    reloads = RELOAD(answer)
    answer._skip = ""
    return reloads


def adding_all(self: Mirror, events: Sequence[Event]) -> None:
    """Take what was read as new though a hint has brought it."""
    if events and not self.live.ended:
        self.live.add(events)


REQUEST, RELOAD, SEEN = Answer.request, Answer._reload, trail._Run.seen

MUTANTS: list[tuple[Any, str, Any]] = [
    (LiveTurn, "after", after_and_the_one_before),
    (trail, "_one", named_by_its_first),
    (trail._Run, "seen", seen_but_for_the_last),
    (Answer, "request", resuming_one_too_early),
    (Answer, "_reload", reloading_without_memory),
    (Mirror, "add", adding_all),
]


@pytest.mark.parametrize(("owner", "name", "wrong"), MUTANTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_mistake_is_found(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, wrong: Any) -> None:
    """A gap or a repeat, however it comes about, is seen."""
    monkeypatch.setattr(owner, name, wrong)
    with pytest.raises(AssertionError):
        check(examples=300, shrink=False)
