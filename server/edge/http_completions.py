"""`/v1/chat/completions`: POST for JSON and server-sent events, and the socket."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, WebSocket
from starlette.responses import Response

from server.chat.live import LiveTurn
from server.core.events import Ended, Event
from server.edge import completions_ws, handshake
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.completions_parse import parse
from server.edge.completions_render import DONE, encode, failure, frames, sse, whole
from server.edge.following import StreamedAnswer, WholeAnswer
from server.edge.shapes.bodies import ChatCompletionBody, described
from server.edge.started import headers_of

router = APIRouter(tags=["chat completions"])


@router.post("/v1/chat/completions", openapi_extra=described(ChatCompletionBody))
async def create(request: Request, actor: CurrentActor, services: CurrentServices) -> Response:
    """Answer, whole or as a stream of chunks."""
    asked = parse(await read_object(request), door="chat-http", key=request.headers.get("idempotency-key"))
    started = await services.turns.start(services.turns.receive(actor, asked.request))
    live = started.turn
    if not asked.delivery.stream:
        return WholeAnswer(live, whole, headers_of(started))
    return StreamedAnswer(
        live,
        show=lambda events, _: _shown(live, events, include_usage=asked.delivery.include_usage),
        break_off=lambda refused, _: b"data: " + encode({"error": refused.body()}) + b"\n\n",
        fail_early=lambda live: None if live.items else failure(live.outcome),
        extra=headers_of(started),
    )


@router.websocket("/v1/chat/completions")
async def socket(websocket: WebSocket) -> None:
    """Serve Chat Completions on a WebSocket."""
    await handshake.serve(websocket, completions_ws.DOOR)


def _shown(live: LiveTurn, events: Sequence[Event], *, include_usage: bool) -> bytes:
    data = sse(frames(live, events, include_usage=include_usage))
    ended_well = isinstance(events[-1], Ended) and failure(live.outcome) is None
    return data + DONE if ended_well else data
