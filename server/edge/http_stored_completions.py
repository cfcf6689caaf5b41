"""`/v1/chat/completions/…`: completions that clients had stored, to list, read, mark and delete."""

import re
from typing import Any, Final, Literal

from fastapi import APIRouter, Request

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.records import Actor
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.completions_render import failure, turn_id, whole
from server.edge.fields import Fields
from server.edge.messages_render import messages_of
from server.edge.pages import After, Limit, cut, page
from server.edge.services import Services
from server.edge.shapes.bodies import MetadataBody, described

_MARK: Final = re.compile(r"metadata\[(.{1,64})\]")

router = APIRouter(tags=["chat completions"])


@router.get("/v1/chat/completions")
async def list_completions(
    request: Request,
    actor: CurrentActor,
    services: CurrentServices,
    limit: Limit = 20,
    after: After = None,
    order: Literal["asc", "desc"] = "asc",
    model: str | None = None,
) -> dict[str, Any]:
    """Return stored completions, by age; `metadata[key]=value` leaves out those that are not marked so."""
    marks = {mark[1]: value for name, value in request.query_params.items() if (mark := _MARK.fullmatch(name))}
    found, more = await services.stored.completions(
        actor,
        after=None if after is None else turn_id(after),
        limit=limit,
        newest_first=order == "desc",
        model=model,
        marks=marks,
    )
    return page([_shown(one) for one in found], more=more)


@router.get("/v1/chat/completions/{completion_id}")
async def one_completion(completion_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return a stored completion that has ended."""
    return _shown(await _kept(services, actor, completion_id))


@router.post("/v1/chat/completions/{completion_id}", openapi_extra=described(MetadataBody))
async def mark(completion_id: str, request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Give a stored completion other metadata."""
    fields = Fields(await read_object(request))
    if fields.given("metadata") is None:
        raise Refused("missing_field", "'metadata' is required.", param="metadata")
    kept = await _kept(services, actor, completion_id)
    return _shown(await services.stored.mark(actor, kept.turn.id, fields.texts("metadata", most=16)))


@router.delete("/v1/chat/completions/{completion_id}")
async def delete(completion_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Delete a stored completion."""
    await services.stored.completion(actor, turn_id(completion_id))
    await services.stored.delete(actor, turn_id(completion_id))
    return {"object": "chat.completion.deleted", "id": completion_id, "deleted": True}


@router.get("/v1/chat/completions/{completion_id}/messages")
async def messages(
    completion_id: str,
    actor: CurrentActor,
    services: CurrentServices,
    limit: Limit = 20,
    after: After = None,
    order: Literal["asc", "desc"] = "asc",
) -> dict[str, Any]:
    """Return the messages that came with a stored completion."""
    kept = await _kept(services, actor, completion_id)
    brought = await services.stored.brought(actor, kept.turn.id)
    return cut([shown for one in brought for shown in messages_of(one)], limit=limit, after=after, order=order)


async def _kept(services: Services, actor: Actor, completion_id: str) -> LiveTurn:
    live = await services.stored.completion(actor, turn_id(completion_id))
    if live.outcome is None:
        raise Refused("response_not_found", f"Completion '{completion_id}' has not ended.", param="completion_id")
    return live


def _shown(live: LiveTurn) -> dict[str, Any]:
    """Return a completion with its metadata; one that broke off shows what arrived."""
    broken = failure(live.outcome) is not None
    return whole(live, broken=broken) | {"metadata": live.turn.echo.get("metadata") or {}}
