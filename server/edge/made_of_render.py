"""What an answer was made of, in words for its user: what the persona lets them set, and what was added. Pure.

The words of the operator and of the persona's author are named here and never shown.
"""

from collections.abc import Iterator
from typing import Any

import personas
from personas import settle_dials
from personas.fields import DialWords
from personas.template import lint
from server.chat.refusals import speaks_chinese
from server.chat.rewriting import Rewritten
from server.edge.made_of_words import CHINESE, ENGLISH, Words


def made_of(again: Rewritten, locale: str | None) -> dict[str, Any]:
    """Return the bounds of the persona and what stood beside the user's words, for a user of this language."""
    return _Telling(again, CHINESE if speaks_chinese(locale) else ENGLISH, locale).whole()


class _Telling:
    """One answer, told in one language; what people see of the persona is in theirs, where it has that."""

    def __init__(self, again: Rewritten, words: Words, locale: str | None) -> None:
        self._again = again
        self._words = words
        self._persona = again.speaker.compiled
        shown = personas.wording(self._persona, locale)
        self._title = shown.title or self._persona.label
        self._shown = shown.dials

    def whole(self) -> dict[str, Any]:
        again = self._again
        return {
            "object": "response.made_of",
            "response_id": again.turn.id,
            "persona": {"id": self._persona.name, "title": self._title, "revision": again.turn.revision},
            "model": again.turn.model,
            "match": again.match,
            "bounds": list(self._bounds()),
            "added": [*self._first(), *self._with_the_message()],
        }

    def _bounds(self) -> Iterator[str]:
        say = self._words
        yield say.authors
        for name, dial in self._persona.bounds.dials.items():
            if dial.text is not None:
                yield say.may_write.format(dial=self._dial(name), most=dial.text.max_chars)
            else:
                choices = say.comma.join(self._choice(name, choice) for choice in dial.choices or ())
                yield say.may_choose.format(dial=self._dial(name), choices=choices)
        notes = self._persona.bounds.notes
        yield say.may_add_notes.format(most=notes.max_chars) if notes else say.no_notes

    def _first(self) -> Iterator[str]:
        """Yield what stood before the conversation."""
        say, prompt = self._words, self._again.turn.prompt
        yield say.instructions.format(title=self._title, revision=self._again.turn.revision)
        if known := self._known_of_user():
            yield say.tells_of_you.format(what=say.comma.join(known))
        for name, value in settle_dials(self._persona, prompt.dials).items():
            if value:
                yield say.dial.format(dial=self._dial(name), value=self._choice(name, value))
        if prompt.developer_text:
            yield say.application
        for examples in (one for one in self._again.written.portions if one.part == "examples"):
            yield self._many(examples.carried, say.example, say.examples, examples.left_out)
        if prompt.greeting is not None:
            yield say.greeting
        if prompt.notes:
            yield say.notes + (say.demoted if prompt.demoted else "")

    def _with_the_message(self) -> Iterator[str]:
        """Yield what stood around the user's words of then."""
        say, again = self._words, self._again
        if again.past:
            past = again.written.past
            yield self._many(past, say.message, say.messages, again.past - past)
        if again.newest.context:
            yield say.clock
        for knowledge in (one for one in again.written.portions if one.part == "knowledge"):
            yield self._many(knowledge.carried, say.piece, say.pieces, knowledge.left_out)
        if self._persona.reminder:
            yield say.reminder

    def _known_of_user(self) -> list[str]:
        """Return what of the user the instructions ask for and get."""
        prompt, persona, say = self._again.turn.prompt, self._persona, self._words
        known = {
            "user.name": (prompt.user_name, say.name),
            "user.locale": (prompt.locale, say.locale),
            "user.tier": (prompt.tier, say.tier),
        }
        texts = [passage.text for passage in (*persona.house, *persona.body)] + [persona.reminder or ""]
        asked_for = {reference.name for text in texts for reference in lint(text).references}
        return [words for name, (value, words) in known.items() if name in asked_for and value]

    def _dial(self, name: str) -> str:
        """Return what people call a dial."""
        return self._shown.get(name, _UNSAID).label or self._persona.bounds.dials[name].label or name

    def _choice(self, name: str, choice: str) -> str:
        """Return what people read for a choice; what they wrote themselves stays."""
        return self._shown.get(name, _UNSAID).choices.get(choice, choice)

    def _many(self, count: int, one: str, more: str, left_out: int) -> str:
        counted = one if count == 1 else more.format(count=count)
        return counted + (self._words.no_room.format(count=left_out) if left_out else "")


_UNSAID = DialWords()
