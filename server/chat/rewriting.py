"""What a model was sent: the prompt of a stored turn, written again from its revision and its history."""

from dataclasses import dataclass
from typing import Literal

from server.chat.catalogue import Catalogue, Speaker
from server.chat.drafts import Drafts
from server.chat.prompts import Prompts, Written
from server.chat.threads import Thread
from server.core.errors import Refused
from server.core.ports import Clock, Conversations, StoredTurn
from server.core.ports import Turns as StoredTurns
from server.core.ports_operator import AnyonesTurns, Audit
from server.core.records import Actor, Message, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """The prompt of a turn, as it comes out now."""

    turn: Turn
    speaker: Speaker
    newest: Message
    """The message that was answered."""
    written: Written
    past: int
    """How many messages came before it; `written.past` of them had room."""

    @property
    def match(self) -> Literal["same", "different", "unknown"]:
        """Whether these are the messages that the model was sent; an older version kept nothing to tell it by."""
        if not self.turn.prompt_digest:
            return "unknown"
        return "same" if self.written.digest == self.turn.prompt_digest else "different"


class Rewriting:
    """Writes prompts of stored turns again. Every call raises `Refused` where there is none."""

    def __init__(
        self,
        *,
        turns: StoredTurns,
        anyones: AnyonesTurns,
        conversations: Conversations,
        catalogue: Catalogue,
        prompts: Prompts,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._turns = turns
        self._anyones = anyones
        self._conversations = conversations
        self._catalogue = catalogue
        self._prompts = prompts
        self._audit = audit
        self._clock = clock

    async def own(self, actor: Actor, turn_id: str) -> Rewritten:
        """Return the prompt of a turn of the actor's."""
        return await self._again(await self._turns.turn(turn_id, actor.user_id), turn_id)

    async def of_anyone(self, turn_id: str, *, by: str) -> Rewritten:
        """Return the prompt of any user's turn; the audit knows before that `by` has looked."""
        found = await self._anyones.of_anyone(turn_id)
        again = await self._again(found, turn_id)
        detail = {"response": turn_id, "user": again.turn.user_id}
        await self._audit.note(who=by, what="prompt looked at", at=self._clock.now(), detail=detail)
        return again

    async def _again(self, found: StoredTurn | None, turn_id: str) -> Rewritten:
        if found is None:
            raise Refused("response_not_found", f"Response with id '{turn_id}' not found.", param="response_id")
        turn = found.turn
        path = await self._conversations.path(turn.newest_id, turn.user_id) if turn.newest_id and turn.hold_id else ()
        if not path:
            raise Refused("response_not_found", f"Response '{turn_id}' asked no model.", param="response_id")
        speaker = await self._catalogue.speaker(turn.persona, turn.revision)
        if speaker is None:
            message = f"Revision {turn.revision} of the persona '{turn.persona}' is not in this database."
            raise Refused("persona_not_found", message)
        model = self._catalogue.find(turn.model)
        if model is None:
            raise Refused("model_not_found", f"The model '{turn.model}', which answered, is no longer configured.")
        try:
            written = Drafts(self._prompts, speaker, turn, Thread.of_path(path)).write(model)
        except Refused as refused:
            message = f"The messages cannot be made again as '{turn.model}' is configured now: {refused.message}"
            raise Refused(refused.code, message) from refused
        return Rewritten(turn=turn, speaker=speaker, newest=path[-1], written=written, past=len(path) - 1)
