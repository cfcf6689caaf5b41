"""Answers that a user has stored: list, mark, delete, and what came with them. Another's is as none."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from server.chat.live import LiveTurn
from server.core import items, ports, trail
from server.core.errors import Refused
from server.core.ports_stored import StoredAnswers
from server.core.records import Actor, Message


class Running(Protocol):
    """The turns of this deployment; see `server.chat.turns.Turns`."""

    async def find(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Return a turn, running or stored. Raises `Refused`."""

    async def cancel(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Stop a turn. Raises `Refused`."""


class Stored:
    """What a user may do with stored answers. Every call on one raises `Refused("response_not_found")`."""

    def __init__(self, *, answers: StoredAnswers, conversations: ports.Conversations, turns: Running) -> None:
        self._answers = answers
        self._conversations = conversations
        self._turns = turns

    async def completions(
        self,
        actor: Actor,
        *,
        after: str | None,
        limit: int,
        newest_first: bool,
        model: str | None,
        marks: Mapping[str, str],
    ) -> tuple[Sequence[LiveTurn], bool]:
        """Return one page of stored completions, and whether another one follows."""
        page = await self._answers.completions(
            actor.user_id, after=after, limit=limit, newest_first=newest_first, model=model, marks=marks
        )
        return [LiveTurn(one.turn, kept=trail.Kept(one.trail, items.texts(one.reply))) for one in page.items], page.more

    async def completion(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Return a stored completion."""
        live = await self._turns.find(actor, turn_id)
        if not live.turn.store or not live.turn.door.startswith("chat"):
            raise _missing(turn_id)
        return live

    async def mark(self, actor: Actor, turn_id: str, metadata: Mapping[str, str]) -> LiveTurn:
        """Give an answer that has ended other metadata, and return it."""
        if not (await self._turns.find(actor, turn_id)).ended or not await self._answers.mark(
            turn_id, actor.user_id, metadata
        ):
            raise _missing(turn_id)
        return await self._turns.find(actor, turn_id)

    async def delete(self, actor: Actor, turn_id: str) -> None:
        """Delete an answer; one that runs is stopped first."""
        await self._turns.cancel(actor, turn_id)
        if not await self._answers.delete(turn_id, actor.user_id):
            raise _missing(turn_id)

    async def brought(self, actor: Actor, turn_id: str) -> Sequence[Message]:
        """Return the messages that came with the request, oldest first."""
        live = await self._turns.find(actor, turn_id)
        return await self._conversations.messages(live.turn.input_ids, actor.user_id)


def _missing(turn_id: str) -> Refused:
    return Refused("response_not_found", f"Response with id '{turn_id}' not found.", param="response_id")
