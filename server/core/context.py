"""Fit a conversation into a model's context: the persona and the newest message stay, the oldest turns leave whole.

Pure: token counts come in as numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.core.records import Message, Model

PER_MESSAGE = 4
"""Tokens that a chat template adds around each message; OpenAI's cookbook counts 3 to 4."""

USUAL_ANSWER = 1024
"""Tokens kept free for the answer where neither caller nor model says how long it may be."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How the context of a model is divided, in tokens."""

    prompt: int
    answer: int


def divide(model: Model, wanted: int | None) -> Budget:
    """Keep room for the answer: what the caller wants, within the model's bound and half of the context."""
    answer = min(wanted or model.max_output or USUAL_ANSWER, model.max_output or model.context, model.context // 2)
    return Budget(prompt=model.context - answer, answer=answer)


def fit(history: Sequence[Message], costs: Sequence[int], room: int) -> Sequence[Message]:
    """Return the newest part of `history` that fits `room` tokens and begins with a user message.

    `costs` are the tokens of each message. A turn (a user message with all that follows it up to the next one) stays or
    leaves whole; messages before the first user message leave first, as one.
    """
    kept = len(history)
    total = 0
    for index in range(len(history) - 1, -1, -1):
        total += costs[index]
        if total > room:
            break
        if history[index].role == "user" or index == 0:
            kept = index
    return history[kept:]
