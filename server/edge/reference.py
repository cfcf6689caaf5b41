"""`/docs`: the descriptions of what the server speaks, for programs and as pages that need nothing from elsewhere."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse

from server.edge import asyncapi
from server.edge.reference_render import calls_page, frames_page

router = APIRouter(include_in_schema=False)


@router.get("/docs", response_class=HTMLResponse)
async def calls(request: Request) -> str:
    """Return what `/openapi.json` says as a page."""
    return calls_page(request.app.openapi())


@router.get("/docs/sockets", response_class=HTMLResponse)
async def frames() -> str:
    """Return what `/asyncapi.json` says as a page."""
    return frames_page(asyncapi.document())


@router.get("/asyncapi.json")
async def description() -> Any:
    """Return the description of the sockets."""
    return JSONResponse(asyncapi.document())
