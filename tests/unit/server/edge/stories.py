"""Turns in every state, made by hand: what renderers and sockets are tested with."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from server.chat.live import LiveTurn
from server.core.events import Delta, Ended, Event, ItemClosed, ItemOpened, Kind, Opened, last_seq
from server.core.records import Outcome, Prompt, Sampling, Turn, TurnStatus, Usage

NOW = 1_763_900_000_123_456
"""Microseconds since the epoch."""


def a_turn(name: str = "1", **changes: Any) -> Turn:
    """Return the facts of a turn with the id `resp_{name}`."""
    facts: dict[str, Any] = {
        "id": f"resp_{name}",
        "user_id": "ana",
        "asked": "gpt-4",
        "model": "gpt-4",
        "persona": "assistant",
        "revision": 1,
        "prompt": Prompt(dials={}),
        "sampling": Sampling(),
        "created_at": NOW,
        "hold_id": "hold_1",
        "message_id": f"msg_{name}",
        "input_ids": (),
    }
    return Turn(**(facts | changes))


def an_outcome(status: TurnStatus = TurnStatus.COMPLETED, **changes: Any) -> Outcome:
    """Return how a turn ended."""
    return Outcome(status=status, usage=Usage(3, 2), ended_at=NOW + 1_000_000, **changes)


def opening(turn: Turn) -> list[Event]:
    """Return the events of a turn whose answer has begun."""
    return [Opened(0), ItemOpened(2, 0, turn.message_id)]


def deltas(texts: Sequence[str], seq: int = 4) -> list[Event]:
    """Return one delta per text."""
    return [Delta(seq + number, 0, text) for number, text in enumerate(texts)]


def ending(seq: int, outcome: Outcome | None = None) -> list[Event]:
    """Return the events that end an answer."""
    outcome = outcome or an_outcome()
    whole = outcome.status is TurnStatus.COMPLETED
    return [ItemClosed(seq, 0, "completed" if whole else "incomplete"), Ended(seq + 3, outcome)]


def told(texts: Sequence[str], outcome: Outcome | None = None, turn: Turn | None = None) -> LiveTurn:
    """Return a whole answer."""
    turn = turn or a_turn()
    return LiveTurn(turn, [*opening(turn), *deltas(texts), *ending(4 + len(texts), outcome)])


def told_of(said: Sequence[tuple[Kind, Sequence[str]]], outcome: Outcome | None = None, **facts: Any) -> LiveTurn:
    """Return a whole answer of several items: each a kind and the pieces of its text. `facts` are the turn's.

    Items of text end before the next one begins, calls at the end, as the engine writes them.
    """
    turn = a_turn(**facts)
    events: list[Event] = [Opened(0)]
    outcome = outcome or an_outcome()
    status: Any = "completed" if outcome.status is TurnStatus.COMPLETED else "incomplete"

    def then(make: Callable[[int], Event]) -> None:
        events.append(make(last_seq(events[-1]) + 1))

    for index, (kind, pieces) in enumerate(said):
        call = (f"call_{index}", "weather") if kind == "function_call" else ("", "")
        then(partial(ItemOpened, index=index, item_id=f"item_{index}", kind=kind, call_id=call[0], name=call[1]))
        told = WRITTEN if turn.sampling.logprobs is not None and kind == "message" else ""
        for piece in pieces:
            then(partial(Delta, index=index, text=piece, logprobs=told))
        if kind != "function_call":
            then(partial(ItemClosed, index=index, status=status))
    for index, (kind, _) in enumerate(said):
        if kind == "function_call":
            then(partial(ItemClosed, index=index, status=status))
    then(partial(Ended, outcome=outcome))
    return LiveTurn(turn, events)


WRITTEN = '{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-1.5,"bytes":[98]}]}'
"""What a delta tells of a token."""

FAILED = an_outcome(TurnStatus.FAILED, error_code="upstream_timeout", error_message="Too long.")
