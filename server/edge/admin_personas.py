"""`/admin/personas`: the revisions of every persona, and which of them answer."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from server.core.moments import rfc3339
from server.core.ports_operator import Revision
from server.edge.auth import CurrentActor, CurrentServices

router = APIRouter(tags=["operators"])


@router.get("/admin/personas")
async def personas(_: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return all personas with their labels, live or not, by name."""
    labels = await services.operations.releases.labels()
    data = [{"id": name, "object": "persona.release", "labels": dict(labels[name])} for name in sorted(labels)]
    return {"object": "list", "data": data}


@router.get("/admin/personas/{name}/revisions")
async def revisions(name: str, _: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the revisions of a persona, the newest first."""
    found, labels = await services.operations.releases.revisions(name)
    return {"object": "list", "data": [_revision(revision, labels) for revision in found]}


def _revision(revision: Revision, labels: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": f"{revision.persona}@{revision.number}",
        "object": "persona.revision",
        "persona": revision.persona,
        "revision": revision.number,
        "digest": revision.digest,
        "origin": revision.origin,
        "created_at": rfc3339(revision.created_at),
        "labels": [label for label, number in labels.items() if number == revision.number],
    }
