"""Users: listed, moved between tiers, suspended, and what they used."""

import json
from typing import Any

import pytest

from server.chat.users import summed
from server.core.records import Usage, UsageRow


def row(turn: str, model: str, tokens: int, ended: int) -> UsageRow:
    """Return what one turn cost."""
    return UsageRow(
        turn_id=turn,
        user_id="user_1",
        asked=model,
        model=model,
        persona="assistant",
        revision=1,
        status="completed",
        usage=Usage(input_tokens=tokens, output_tokens=2 * tokens),
        hold_id="hold_1",
        charged={},
        created_at=ended - 1,
        ended_at=ended,
    )


def test_users_are_listed_with_tier_and_state(parley: Any) -> None:
    """A user exists from the first key on."""
    parley("keys", "create", "--user", "ana", "--tier", "plus")
    ran = parley("users", "list", "--json")
    (user,) = json.loads(ran.out)
    assert (user["name"], user["tier"], user["suspended"]) == ("ana", "plus", False)
    assert ran.err == ""
    assert "ana" in parley("users", "list").out


def test_a_user_can_be_moved_and_suspended(parley: Any) -> None:
    """Each change is seen in the list."""
    parley("keys", "create", "--user", "ana")
    assert parley("users", "set-tier", "ana", "pro").code == 0
    assert parley("users", "suspend", "ana").code == 0
    assert [(user["tier"], user["suspended"]) for user in json.loads(parley("users", "list", "--json").out)] == [
        ("pro", True)
    ]
    assert parley("users", "resume", "ana").code == 0
    assert not json.loads(parley("users", "list", "--json").out)[0]["suspended"]


@pytest.mark.parametrize("typed", [["set-tier", "bob", "pro"], ["suspend", "bob"], ["resume", "bob"], ["usage", "bob"]])
def test_somebody_who_does_not_exist_is_told(typed: list[str], parley: Any) -> None:
    """The line says how to see who exists."""
    ran = parley("users", *typed)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "parley: There is no user bob. `parley users list` shows all.\n"


def test_a_tier_that_does_not_exist_is_refused(parley: Any) -> None:
    """The tiers that exist are named."""
    parley("keys", "create", "--user", "ana")
    ran = parley("users", "set-tier", "ana", "gold")
    assert ran.code == 1
    assert "free, plus, pro" in ran.err


def test_usage_is_summed_by_model() -> None:
    """One row for each model, in the order of first use, with the time of the last."""
    used = [row("1", "gpt-4", 1, 1_000_000), row("2", "local", 10, 2_000_000), row("3", "gpt-4", 100, 3_000_000)]
    assert summed(used) == [
        {
            "model": "gpt-4",
            "turns": 2,
            "input_tokens": 101,
            "output_tokens": 202,
            "last_at": "1970-01-01T00:00:03Z",
        },
        {"model": "local", "turns": 1, "input_tokens": 10, "output_tokens": 20, "last_at": "1970-01-01T00:00:02Z"},
    ]


def test_who_used_nothing_has_no_rows(parley: Any) -> None:
    """Nothing is an empty array for programs and a sentence for people."""
    parley("keys", "create", "--user", "ana")
    assert json.loads(parley("users", "usage", "ana", "--json").out) == []
    assert parley("users", "usage", "ana", "--since", "7d").out == "ana used nothing in the last 7d.\n"
    assert parley("users", "usage", "ana", "--since", "long").code == 2
