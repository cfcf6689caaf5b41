"""`/v1/personas`: who can answer, and what of them a user may set."""

from typing import Any

from fastapi import APIRouter

from server.chat.catalogue import Speaker
from server.core.errors import Refused
from server.edge.auth import CurrentActor, CurrentServices

router = APIRouter(tags=["personas"])


@router.get("/v1/personas")
async def list_personas(_: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the live personas, by name."""
    return {"object": "list", "data": [card(speaker) for speaker in services.catalogue.personas()]}


@router.get("/v1/personas/{name}")
async def one_persona(name: str, _: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return a live persona."""
    found = next((speaker for speaker in services.catalogue.personas() if speaker.name == name), None)
    if found is None:
        raise Refused("persona_not_found", f"There is no persona '{name}'.", param="name")
    return card(found)


def card(speaker: Speaker) -> dict[str, Any]:
    """Return what users may know of a persona: nothing of its text but the greetings."""
    persona = speaker.compiled
    return {
        "id": speaker.name,
        "object": "persona",
        "created_at": seconds(speaker.created_at),
        "revision": speaker.number,
        "title": persona.label,
        "summary": persona.summary,
        "tags": list(persona.tags),
        "greetings": list(persona.greeting),
        "starters": list(persona.starters),
        "dials": {name: dial.model_dump(mode="json", exclude_none=True) for name, dial in persona.bounds.dials.items()},
        "notes": persona.bounds.notes.model_dump(mode="json", exclude_none=True) if persona.bounds.notes else None,
        "needs": list(persona.model.needs),
    }


def seconds(microseconds: int) -> int:
    """Return whole seconds since the epoch."""
    return microseconds // 1_000_000
