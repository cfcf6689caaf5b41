"""What a turn costs, by how it ended. The rules that users read in docs/limits.md, as one function."""

from collections.abc import Mapping

from server.core.records import Outcome, TurnStatus


def charge(outcome: Outcome, *, produced: bool, cost: int | None) -> Mapping[str, int]:
    """Return the units to settle, by unit; nothing at all means that the hold is given back.

    `cost` is that of the outcome's tokens, in millionths of a dollar; None if nobody knows the price.

    - Nothing was produced: free, whatever the reason.
    - The answer ended for a reason of the user's or the model's (whole, at its length, stopped, screened): one message,
      its images, and the tokens of prompt and answer with what they cost.
    - The answer broke off for a reason of ours or the provider's: the message and its images are given back; the tokens
      that were produced count, with what they cost.
    """
    if not produced:
        return {}
    tokens = outcome.usage.input_tokens + outcome.usage.output_tokens
    ours = outcome.status is TurnStatus.FAILED or (outcome.status is TurnStatus.INCOMPLETE and outcome.reason is None)
    charged = {"messages": 0 if ours else 1, "tokens": tokens}
    # Unless they are given back, images stay as they were held.
    return charged | ({} if cost is None else {"cost": cost}) | ({"images": 0} if ours else {})
