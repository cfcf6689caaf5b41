"""From a written prompt to what an upstream is asked, and how its answer is screened and counted."""

from collections.abc import Callable

import msgspec

from server.chat.answer import Question
from server.chat.catalogue import Speaker
from server.chat.prompts import Prompts, Written
from server.core.ports import Call, Moderator, ScreenContext
from server.core.records import Model, Turn


class Questions:
    """Makes the question of a turn, whether it was just accepted or adopted."""

    def __init__(self, *, prompts: Prompts, moderator: Moderator, user_tag: Callable[[str], str]) -> None:
        self._prompts = prompts
        self._moderator = moderator
        self._user_tag = user_tag

    def question(self, turn: Turn, speaker: Speaker, model: Model, written: Written, *, shown: str = "") -> Question:
        """Return the question; `shown` is the beginning of the answer, which earlier owners have released."""
        context = self.screened(speaker, turn.prompt.tier)
        return Question(
            call=Call(
                model=model,
                messages=written.lines,
                sampling=msgspec.structs.replace(turn.sampling, max_output_tokens=written.answer),
                prefix=shown,
                user_tag=self._user_tag(turn.user_id),
                cache_key=speaker.digest,
                functions=turn.functions,
            ),
            screen=self._moderator.screen_output(context, shown=shown),
            another=lambda: self._moderator.screen_output(context),
            prompt_tokens=written.tokens,
            count=lambda text: self._prompts.count(text, model),
        )

    def screened(self, speaker: Speaker, tier: str) -> ScreenContext:
        """Return what a moderator may know of a turn."""
        return ScreenContext(
            persona=speaker.name, revision=speaker.number, tier=tier, marker=self._prompts.marker(speaker)
        )
