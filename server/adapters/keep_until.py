"""The marks in a turn's `keep_until`: how long it is kept, and whether anybody is shown it.

NULL keeps a turn for good, and a time until then. What is not above zero is a mark, and marks a turn that nobody is
shown any more; it stays while its usage is to be written and while others lead through its messages.
"""

from typing import Final

from sqlalchemy import ColumnElement, between, or_

from server.adapters.schema import turns

FORGET: Final = 0
"""Of a turn that was deleted, or whose conversation was: it goes as soon as it has ended and nothing needs it."""

HIDE: Final = -1
"""Of one whose messages are a conversation's: they go with it, and it with them."""

SHOWN: Final = or_(turns.c.keep_until.is_(None), turns.c.keep_until > FORGET)
"""Whether somebody may be shown the turn."""


def passed(now: ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether the turn may be forgotten."""
    return between(turns.c.keep_until, FORGET, now)


def at_end(given: str) -> str:
    """Return, in SQL for either database, what a turn that ends has in place of `given`.

    One that was marked while it ran keeps its mark. A conversation that was deleted between a turn's acceptance and its
    first commit could not mark it, but it is not there.
    """
    return f"""CASE
        WHEN turns.keep_until <= {FORGET} THEN turns.keep_until
        WHEN turns.conversation_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM conversations WHERE conversations.id = turns.conversation_id) THEN {FORGET}
        ELSE {given} END"""  # noqa: S608  # of our names
