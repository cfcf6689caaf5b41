"""What is kept of answers for their users to list, mark and delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.core.ports import StoredTurn


@dataclass(frozen=True, slots=True)
class CompletionPage:
    """One page of stored completions; `more` says whether another one follows."""

    items: Sequence[StoredTurn]
    more: bool


class StoredAnswers(Protocol):
    """Answers that their users have had stored. Another user's is as one that does not exist."""

    async def completions(
        self,
        user_id: str,
        *,
        after: str | None,
        limit: int,
        newest_first: bool,
        model: str | None,
        marks: Mapping[str, str],
    ) -> CompletionPage:
        """Return completions that have ended and that the client had stored, by age, those after the turn `after`.

        Only those of the model, if one is named, and with all these `marks` in their metadata.
        """

    async def mark(self, turn_id: str, user_id: str, metadata: Mapping[str, str]) -> bool:
        """Give an answer other metadata; return whether there is one."""

    async def delete(self, turn_id: str, user_id: str) -> bool:
        """Show the answer to nobody any more; return whether there was one.

        Its messages stay for as long as a conversation or a later answer leads through them. Its request id is free.
        Usage rows stay. A turn that still runs can end.
        """
