"""What a turn costs, by how it ended."""

import pytest

from server.core.charging import charge
from server.core.records import Outcome, TurnStatus, Usage

USED = Usage(input_tokens=30, output_tokens=12)


@pytest.mark.parametrize(
    ("status", "reason", "messages"),
    [
        (TurnStatus.COMPLETED, None, 1),
        (TurnStatus.INCOMPLETE, "max_output_tokens", 1),
        (TurnStatus.INCOMPLETE, "content_filter", 1),
        (TurnStatus.CANCELLED, None, 1),
        (TurnStatus.INCOMPLETE, None, 0),
        (TurnStatus.FAILED, None, 0),
    ],
)
def test_a_message_counts_unless_the_answer_broke_off(status: TurnStatus, reason: str | None, messages: int) -> None:
    """An answer that we or the provider broke off gives the message back; its tokens count."""
    outcome = Outcome(status=status, reason=reason, usage=USED)
    back = {} if messages else {"images": 0}
    assert charge(outcome, produced=True, cost=None) == {"messages": messages, "tokens": 42} | back


@pytest.mark.parametrize("status", [TurnStatus.COMPLETED, TurnStatus.CANCELLED, TurnStatus.FAILED])
def test_what_was_produced_costs_what_it_costs(status: TurnStatus) -> None:
    """Money is spent on what was produced, whoever broke it off."""
    assert charge(Outcome(status=status, usage=USED), produced=True, cost=195)["cost"] == 195


@pytest.mark.parametrize("status", list(TurnStatus))
def test_nothing_produced_costs_nothing(status: TurnStatus) -> None:
    """A turn that failed or was stopped before its first token is free."""
    assert charge(Outcome(status=status, usage=USED), produced=False, cost=195) == {}
