"""For whoever runs this node: is it alive, does it take requests, what does it count."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from server.edge.auth import CurrentServices

router = APIRouter(tags=["operation"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(services: CurrentServices) -> Response:
    """Say whether this node takes requests, and if not why."""
    why_not = services.ready()
    return JSONResponse({"status": why_not or "ready"}, 503 if why_not else 200)


@router.get("/metrics")
async def metrics(services: CurrentServices) -> Response:
    """Return the metrics in the text format of Prometheus."""
    return Response(services.metrics(), media_type="text/plain; version=0.0.4")
