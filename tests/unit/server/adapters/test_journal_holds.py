"""Holds as rows."""

from typing import Any

import pytest

from ratelimit.ledger import Charge, Held, Released, Settled
from server.adapters.journal_holds import entry_row, still_needed, stored_hold

MESSAGE = Charge(key="m", unit="messages", amount=1, window_us=10)
TOKENS = Charge(key="t", unit="tokens", amount=900, window_us=10)
PLACE = Charge(key="p", unit="concurrent-requests", amount=1, window_us=0)
DAY_US = 86_400_000_000


def held(*charges: Charge, hold_id: str = "hold_1") -> Held:
    return Held(hold_id=hold_id, subject="s", model="m", charges=charges, at_us=5, deadline_us=7)


def stored(amounts: str | None, charged: str | None) -> dict[str, Any]:
    return {**entry_row(held(MESSAGE, TOKENS, PLACE)), "amounts": amounts, "charged": charged}


@pytest.mark.parametrize(
    ("amounts", "kept"),
    [
        ('{"messages":1,"tokens":12}', {"messages": 1, "tokens": 12}),
        ('{"messages":0,"tokens":12}', {"tokens": 12}),
        ('{"tokens":12}', {"messages": 1, "tokens": 12}),
        ('{"messages":1,"tokens":5000}', {"messages": 1, "tokens": 5000}),
    ],
)
@pytest.mark.parametrize("by_usage", [False, True], ids=["ledger", "usage"])
def test_a_settled_hold_charges_what_was_settled(amounts: str, kept: dict[str, int], *, by_usage: bool) -> None:
    """Places are free, zeros are left out and a unit that was not named stays, whoever settled it."""
    hold = stored_hold(stored(None, amounts) if by_usage else stored(amounts, None))
    assert hold is not None
    assert hold.state == "settled"
    assert {charge.unit: charge.amount for charge in hold.charges} == kept


def test_the_ledgers_word_goes_before_the_usage_row() -> None:
    """An operator may have given back what a turn was charged."""
    hold = stored_hold(stored('{"messages":0,"tokens":1}', '{"messages":1,"tokens":2}'))
    assert hold is not None
    assert [charge.amount for charge in hold.charges] == [1]


@pytest.mark.parametrize("charged", ["{}", '{"messages":0,"tokens":0}'])
def test_what_was_given_back_is_gone(charged: str) -> None:
    """A turn that cost nothing leaves no hold."""
    assert stored_hold(stored(None, charged)) is None


def test_a_hold_is_kept_for_as_long_as_a_window_can_see_it() -> None:
    """For the widest of its windows, and for a day at least, so that a long answer finds it."""
    wide = Charge(key="w", unit="tokens", amount=1, window_us=30 * DAY_US)
    assert entry_row(held(MESSAGE, wide))["keep_until"] == 5 + 30 * DAY_US
    assert entry_row(held(MESSAGE))["keep_until"] == 5 + DAY_US
    assert entry_row(held())["keep_until"] == 5 + DAY_US


def test_only_holds_that_begin_and_are_released_together_can_be_left_out() -> None:
    """A release of something stored earlier is still needed, and so is all that was settled."""
    rows = [
        entry_row(entry)
        for entry in (
            held(hold_id="a"),
            held(hold_id="b"),
            Released(hold_id="a"),
            Released(hold_id="earlier"),
            Settled(hold_id="b", amounts={}),
        )
    ]
    assert [(row["kind"], row["hold_id"]) for row in still_needed(rows)] == [
        ("held", "b"),
        ("released", "earlier"),
        ("settled", "b"),
    ]
