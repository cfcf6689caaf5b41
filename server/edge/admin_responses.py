"""`/admin/responses`: what models were sent."""

from typing import Any

from fastapi import APIRouter

from server.edge.auth import CurrentActor, CurrentServices
from server.edge.completions_render import turn_id
from server.edge.prompt_render import prompt_object

router = APIRouter(tags=["operators"])


@router.get("/admin/responses/{response_id}/prompt")
async def prompt(response_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the messages that the model was sent, or say that they come out differently now. Noted in the audit."""
    return prompt_object(await services.rewriting.of_anyone(turn_id(response_id), by=actor.signature))
