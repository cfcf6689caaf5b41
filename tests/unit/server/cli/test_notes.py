"""What is told beside the answers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from client import ConnectionLostError, RefusedError, UnreachableError
from server.cli.notes import cap_lines, explained, low_caps, span
from server.cli.output import CommandError


@pytest.mark.parametrize("usage", [{"tier": "plus"}, {"tier": "plus", "limits": []}])
def test_usage_without_caps_is_the_tier(usage: dict[str, Any]) -> None:
    """A tier without finite caps has one line."""
    assert cap_lines(usage) == ["Tier plus."]


def test_only_windows_that_run_low_are_mentioned() -> None:
    """One of one at once is not low: it is back when the answer has ended."""
    limits = [
        {"id": "gpt-4.messages", "cap": 50, "remaining": 10, "window_seconds": 10800},
        {"id": "local.messages", "cap": 50, "remaining": 11, "window_seconds": 10800},
        {"id": "few.messages", "cap": 2, "remaining": 1, "window_seconds": 60},
        {"id": "at_once", "cap": 1, "remaining": 1, "window_seconds": None},
        {"id": "free.messages", "cap": None, "remaining": None, "window_seconds": 60},
    ]
    assert low_caps({"limits": limits}) == ["gpt-4.messages: 10 of 50 left.", "few.messages: 1 of 2 left."]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (58.4, "58 s"), (60, "1 min 0 s"), (8040, "2 h 14 min"), (259_200, "3 d 0 h")],
)
def test_spans_have_their_two_largest_units(seconds: float, text: str) -> None:
    """Nobody counts seconds over days."""
    assert span(seconds) == text


def test_errors_say_what_to_do() -> None:
    """A cap says how long to wait, an absent server how to start one; all others speak for themselves."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    capped = RefusedError(code="usage_cap_reached", message="Reached.", status=429, next_at=at, retry_after_seconds=9)
    assert explained(capped) == "Reached. That is in 9 s."
    assert explained(RefusedError(code="not_found", message="Not there.", status=404)) == "Not there."
    assert explained(UnreachableError("Nobody.")).startswith("Nobody. Start one with `parley serve`")
    assert explained(ConnectionLostError(code=4401, reason="credential expired")).endswith("expired).")
    assert "/conversation finds it" in explained(ConnectionLostError(code=1012, reason="restarting"))
    assert explained(CommandError("Do this.")) == "Do this."
