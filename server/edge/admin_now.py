"""`/admin/now`: what this node does, second by second."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from server.core.moments import micros, rfc3339
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.fields import wrong

router = APIRouter(tags=["operators"])


@router.get("/admin/now")
async def now(
    _: CurrentActor, services: CurrentServices, since: Annotated[str | None, Query(max_length=64)] = None
) -> dict[str, Any]:
    """Return how many answers run and sockets are open, and what happened in each second `since` a time.

    Seconds in which nothing happened are left out; 15 minutes are remembered.
    """
    try:
        start = 0 if since is None else micros(since)
    except ValueError:
        raise wrong("since", "a time such as 2026-12-31T00:00:00Z") from None
    return {
        "object": "now",
        "as_of": rfc3339(services.clock.now()),
        "answers_running": services.turns.running,
        "sockets_open": len(services.sockets),
        "seconds": list(services.operations.recent.since(start)),
    }
