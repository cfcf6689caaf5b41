"""What an answer was made of, in words for its user: what the persona lets them set, and what was added. Pure.

The words of the operator and of the persona's author are named here and never shown.
"""

from collections.abc import Iterator
from typing import Any, Final

from personas import Compiled, settle_dials
from personas.template import lint
from server.chat.rewriting import Rewritten
from server.core.records import Prompt

_ABOUT_USERS: Final = {"user.name": "your name", "user.locale": "your language", "user.tier": "your tier"}
_DEMOTED: Final = " Among them is system text that you sent: only a key of role developer may give instructions."


def made_of(again: Rewritten) -> dict[str, Any]:
    """Return the bounds of the persona, and what stood beside the user's words."""
    persona = again.speaker.compiled
    return {
        "object": "response.made_of",
        "response_id": again.turn.id,
        "persona": {"id": persona.name, "title": persona.label, "revision": again.turn.revision},
        "model": again.turn.model,
        "match": again.match,
        "bounds": list(_bounds(persona)),
        "added": [*_first(again, persona), *_with_the_message(again, persona)],
    }


def _bounds(persona: Compiled) -> Iterator[str]:
    yield "Its instructions are its author's, under the rules of the house. Nothing that you send changes them."
    for name, dial in persona.bounds.dials.items():
        if dial.text is not None:
            yield f"{dial.label or name}: you may write up to {dial.text.max_chars} characters."
        else:
            yield f"{dial.label or name}: you may choose {', '.join(dial.choices or ())}."
    notes = persona.bounds.notes
    yield f"You may add notes of up to {notes.max_chars} characters." if notes else "It takes no notes."


def _first(again: Rewritten, persona: Compiled) -> Iterator[str]:
    """Yield what stood before the conversation."""
    prompt = again.turn.prompt
    yield f"The instructions of {persona.label}, revision {again.turn.revision}, which are not shown."
    if known := _known_of_user(persona, prompt):
        yield f"What these may tell of you: {', '.join(known)}."
    for name, value in settle_dials(persona, prompt.dials).items():
        if value:
            yield f"{persona.bounds.dials[name].label or name}: {value}."
    if prompt.developer_text:
        yield "Instructions of the application, which are not shown."
    for examples in (portion for portion in again.written.portions if portion.part == "examples"):
        yield f"{_many(examples.carried, 'example')} of how it speaks.{_no_room(examples.left_out)}"
    if prompt.greeting is not None:
        yield "The greeting that you were shown."
    if prompt.notes:
        yield f"Your notes, quoted as your own words.{_DEMOTED if prompt.demoted else ''}"


def _with_the_message(again: Rewritten, persona: Compiled) -> Iterator[str]:
    """Yield what stood around the user's words of then."""
    if again.past:
        past = again.written.past
        yield f"{_many(past, 'earlier message')} of the conversation.{_no_room(again.past - past)}"
    if again.newest.context:
        yield "The date and the time."
    for knowledge in (portion for portion in again.written.portions if portion.part == "knowledge"):
        pieces = _many(knowledge.carried, "piece")
        yield f"{pieces} of its reference material, for what was said.{_no_room(knowledge.left_out)}"
    if persona.reminder:
        yield "A reminder of its author's, after your message."


def _known_of_user(persona: Compiled, prompt: Prompt) -> list[str]:
    """Return what of the user the instructions ask for and get."""
    values = {"user.name": prompt.user_name, "user.locale": prompt.locale, "user.tier": prompt.tier}
    texts = [passage.text for passage in (*persona.house, *persona.body)] + [persona.reminder or ""]
    asked_for = {reference.name for text in texts for reference in lint(text).references}
    return [words for name, words in _ABOUT_USERS.items() if name in asked_for and values[name]]


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _no_room(count: int) -> str:
    return f" {count} had no room." if count else ""
