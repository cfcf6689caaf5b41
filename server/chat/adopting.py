"""What an adopted turn needs of those who accept turns: its question again, or the count of what it has cost."""

from collections.abc import Sequence

from server.chat.answer import Question
from server.chat.catalogue import Catalogue
from server.chat.drafts import Drafts
from server.chat.prompts import Prompts
from server.chat.questions import Questions
from server.chat.threads import Thread
from server.core.context import PER_MESSAGE
from server.core.errors import Refused
from server.core.records import Message, Turn

CHARACTERS_PER_TOKEN = 4
"""The estimate for a model that is no longer configured, whose table of tokens is not known."""


class Adopting:
    """Asks again for turns whose owner is gone. Checks no caps: the turn's hold goes on."""

    def __init__(self, *, catalogue: Catalogue, prompts: Prompts, questions: Questions) -> None:
        self._catalogue = catalogue
        self._prompts = prompts
        self._questions = questions

    async def question_again(self, turn: Turn, path: Sequence[Message], shown: str) -> Question | None:
        """Return the question of an adopted turn, to be continued after `shown`; None where that cannot be done.

        `path` is the history with the turn's own messages at its end.
        """
        speaker = await self._catalogue.speaker(turn.persona, turn.revision)
        model = self._catalogue.find(turn.model)
        if speaker is None or model is None or not model.prefill or not path or (shown and not _is_plain(turn)):
            return None
        drafts = Drafts(self._prompts, speaker, turn, Thread.of_path(path))
        try:
            written = drafts.write(model)
        except Refused:
            return None
        return self._questions.question(turn, speaker, model, written, shown=shown)

    def estimate(self, turn: Turn, path: Sequence[Message]) -> int:
        """Return roughly the prompt's tokens of an adopted turn that is not continued."""
        model = self._catalogue.find(turn.model)
        return sum(self._prompts.count(one.text, model) + PER_MESSAGE for one in path) if model else 0

    def count(self, turn: Turn, text: str) -> int:
        """Return the tokens of `text` by the table of the turn's model."""
        model = self._catalogue.find(turn.model)
        return self._prompts.count(text, model) if model else len(text) // CHARACTERS_PER_TOKEN


def _is_plain(turn: Turn) -> bool:
    """Return whether the answer is nothing but text; whatever else it is, upstreams cannot go on with."""
    asked = turn.sampling
    return turn.functions is None and asked.format is None and asked.logprobs is None
