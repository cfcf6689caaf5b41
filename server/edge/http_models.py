"""`/v1/models`: the aliases and personas that a request can name."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from server.core.errors import Refused
from server.core.records import Actor, Model
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.http_personas import seconds
from server.edge.services import Catalogue

router = APIRouter(tags=["models"])


@router.get("/v1/models")
async def list_models(actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the aliases, then the personas as `persona:name`."""
    return {"object": "list", "data": _all(services.catalogue, actor)}


@router.get("/v1/models/{model_id:path}")
async def one_model(model_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return an alias or a persona."""
    found = next((model for model in _all(services.catalogue, actor) if model["id"] == model_id), None)
    if found is None:
        raise Refused("model_not_found", f"There is no model '{model_id}'.", param="model")
    return found


def _all(catalogue: Catalogue, actor: Actor) -> Sequence[dict[str, Any]]:
    personas = [
        {
            "id": f"persona:{speaker.name}",
            "object": "model",
            "created": seconds(speaker.created_at),
            "owned_by": "parley",
        }
        for speaker in catalogue.personas(actor)
    ]
    return [*(_alias(model) for model in catalogue.models()), *personas]


def _alias(model: Model) -> dict[str, Any]:
    # Aliases come from the configuration, which has no dates.
    shown: dict[str, Any] = {"id": model.alias, "object": "model", "created": 0, "owned_by": "parley"}
    shown |= {"context": model.context, "vision": model.vision, "tools": model.tools}
    if model.demonstration:
        shown |= {"demonstration": True, "description": "A small demonstration model."}
    return shown
