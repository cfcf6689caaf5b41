"""`/admin/audit`: who changed what."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from server.core.moments import rfc3339
from server.core.ports_operator import AuditEntry
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.fields import LARGEST
from server.edge.pages import Limit, page

router = APIRouter(tags=["operators"])


@router.get("/admin/audit")
async def audit(
    _: CurrentActor,
    services: CurrentServices,
    limit: Limit = 50,
    after: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
) -> dict[str, Any]:
    """Return what was changed, or looked at though it is private; the newest first."""
    entries, more = await services.operations.audit.entries(before=after, limit=limit)
    return page([_entry(entry) for entry in entries], more=more)


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "object": "audit.entry",
        "at": rfc3339(entry.at),
        "who": entry.who,
        "what": entry.what,
        "detail": dict(entry.detail),
    }
