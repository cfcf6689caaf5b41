"""`/v1/responses`: create, read, resume and cancel over HTTP, and the socket."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, WebSocket
from starlette.responses import JSONResponse, Response

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.edge import handshake, responses_ws
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.completions_render import turn_id
from server.edge.following import StreamedAnswer, WholeAnswer
from server.edge.http_personas import VARY
from server.edge.items_render import items_of
from server.edge.made_of_render import made_of
from server.edge.pages import After, Limit, cut
from server.edge.responses_parse import parse
from server.edge.responses_render import error_event, frames, response_object, sse
from server.edge.shapes.bodies import ResponseBody, described
from server.edge.started import headers_of

router = APIRouter(tags=["responses"])


@router.post("/v1/responses", openapi_extra=described(ResponseBody))
async def create(request: Request, actor: CurrentActor, services: CurrentServices) -> Response:
    """Answer, whole or as a stream of events."""
    asked = parse(await read_object(request), door="responses-http", key=request.headers.get("idempotency-key"))
    started = await services.turns.start(services.turns.receive(actor, asked.request))
    if asked.delivery.stream:
        return _streamed(started.turn, -1, headers_of(started))
    if asked.request.background:
        return JSONResponse(response_object(started.turn), headers=headers_of(started))
    return WholeAnswer(started.turn, response_object, headers_of(started))


@router.get("/v1/responses/{response_id}")
async def retrieve(
    response_id: str,
    actor: CurrentActor,
    services: CurrentServices,
    *,
    stream: bool = False,
    starting_after: Annotated[int, Query(ge=-1)] = -1,
) -> Response:
    """Return the response as it stands; with `stream=true`, its events after `starting_after`, then live."""
    if not stream:
        return JSONResponse(response_object(await services.turns.find(actor, turn_id(response_id))))
    return _streamed(await services.turns.resume(actor, turn_id(response_id), starting_after), starting_after, {})


@router.post("/v1/responses/{response_id}/cancel")
async def cancel(response_id: str, actor: CurrentActor, services: CurrentServices) -> Response:
    """Stop the response, or the completion with this id, at what was produced, and return it once it has ended."""
    return WholeAnswer(await services.turns.cancel(actor, turn_id(response_id)), response_object, {})


@router.get("/v1/responses/{response_id}/made_of")
async def what_it_was_made_of(
    response_id: str, actor: CurrentActor, services: CurrentServices, response: Response
) -> dict[str, Any]:
    """Return what the persona lets its user set, and what was added to the user's words, in plain words."""
    response.headers["vary"] = VARY
    return made_of(await services.rewriting.own(actor, response_id), actor.locale)


@router.delete("/v1/responses/{response_id}")
async def delete(response_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Delete the response; if it runs, it is stopped. In a conversation, its messages stay."""
    await services.stored.delete(actor, response_id)
    return {"id": response_id, "object": "response", "deleted": True}


@router.get("/v1/responses/{response_id}/input_items")
async def input_items(
    response_id: str,
    actor: CurrentActor,
    services: CurrentServices,
    limit: Limit = 20,
    after: After = None,
    order: Literal["asc", "desc"] = "desc",
) -> dict[str, Any]:
    """Return the items that came with the request."""
    brought = await services.stored.brought(actor, response_id)
    items = [item for message in brought for item in items_of(message)]
    return cut(items, limit=limit, after=after, order=order)


@router.post("/v1/responses/input_tokens", openapi_extra=described(ResponseBody))
async def input_tokens(request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Count the tokens of the prompt that a request would make, persona and history included."""
    asked = parse(await read_object(request), door="responses-http")
    return {"object": "response.input_tokens", "input_tokens": await services.turns.measure(actor, asked.request)}


@router.get("/v1/responses", include_in_schema=False)
async def not_a_socket() -> Any:
    """Say that a GET here has to be a WebSocket."""
    raise Refused("upgrade_required", "GET /v1/responses opens a WebSocket; POST to it for HTTP.")


@router.websocket("/v1/responses")
async def socket(websocket: WebSocket) -> None:
    """Serve the Responses protocol on a WebSocket."""
    await handshake.serve(websocket, responses_ws.DOOR)


def _streamed(live: LiveTurn, position: int, extra: dict[str, str]) -> StreamedAnswer:
    return StreamedAnswer(
        live,
        show=lambda events, after: sse(frames(live, events, after=after)),
        break_off=lambda refused, seq: sse([error_event(refused, seq)]),
        position=position,
        extra=extra,
    )
