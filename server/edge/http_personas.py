"""`/v1/personas`: who can answer, and what of them a user may set."""

from typing import Any, Final

from fastapi import APIRouter, Response

import personas
from personas.fields import Dial, DialWords
from server.chat.catalogue import Speaker
from server.chat.prompts import greetings
from server.core.errors import Refused
from server.core.records import Actor
from server.edge.auth import CurrentActor, CurrentServices

VARY: Final = "Accept-Language"

router = APIRouter(tags=["personas"])


@router.get("/v1/personas")
async def list_personas(actor: CurrentActor, services: CurrentServices, response: Response) -> dict[str, Any]:
    """Return the live personas, by name."""
    response.headers["vary"] = VARY
    now = services.clock.now()
    return {"object": "list", "data": [card(speaker, actor, now) for speaker in services.catalogue.personas(actor)]}


@router.get("/v1/personas/{name}")
async def one_persona(name: str, actor: CurrentActor, services: CurrentServices, response: Response) -> dict[str, Any]:
    """Return a live persona."""
    found = next((speaker for speaker in services.catalogue.personas(actor) if speaker.name == name), None)
    if found is None:
        raise Refused("persona_not_found", f"There is no persona '{name}'.", param="name")
    response.headers["vary"] = VARY
    return card(found, actor, services.clock.now())


def card(speaker: Speaker, actor: Actor, now: int) -> dict[str, Any]:
    """Return what users may know of a persona, in the actor's language: nothing of its text but the greetings."""
    persona = speaker.compiled
    words = personas.wording(persona, actor.locale)
    notes = persona.bounds.notes
    return {
        "id": speaker.name,
        "object": "persona",
        "created_at": seconds(speaker.created_at),
        "revision": speaker.number,
        "title": words.title or persona.label,
        "summary": words.summary or persona.summary,
        "avatar": persona.avatar if persona.avatar and not persona.avatar.isascii() else None,
        "tags": list(persona.tags),
        "greetings": list(greetings(speaker, actor, now=now)),
        "starters": list(words.starters or persona.starters),
        "dials": {name: _dial(dial, words.dials.get(name)) for name, dial in persona.bounds.dials.items()},
        "notes": {"max_chars": notes.max_chars, **_labelled(words.notes or notes.label)} if notes else None,
        "needs": list(persona.model.needs),
        "locales": list(persona.locales),
    }


def _dial(dial: Dial, words: DialWords | None) -> dict[str, Any]:
    """Return a dial; `labels` are the words for choices that are not shown as they are."""
    shown = dial.model_dump(mode="json", exclude_none=True, exclude={"label"})
    labels: dict[str, Any] = {"labels": words.choices} if words and words.choices else {}
    return {**shown, **_labelled((words.label if words else None) or dial.label), **labels}


def _labelled(label: str | None) -> dict[str, str]:
    return {"label": label} if label else {}


def seconds(microseconds: int) -> int:
    """Return whole seconds since the epoch."""
    return microseconds // 1_000_000
