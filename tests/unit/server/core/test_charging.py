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
    assert charge(outcome, produced=True) == {"messages": messages, "tokens": 42}


@pytest.mark.parametrize("status", list(TurnStatus))
def test_nothing_produced_costs_nothing(status: TurnStatus) -> None:
    """A turn that failed or was stopped before its first token is free."""
    assert charge(Outcome(status=status, usage=USED), produced=False) == {}
