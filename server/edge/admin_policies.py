"""`/admin/caps/policies`: the revisions of what each user may use, and which of them holds."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from server.core.moments import rfc3339
from server.core.ports_operator import PolicyRevision
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.fields import Fields

DAYS = 7
MOST_DAYS = 31

router = APIRouter(tags=["operators"])


@router.get("/admin/caps/policies")
async def policies(_: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the revisions of the policy, the newest first."""
    revisions, labels = await services.operations.policies.revisions()
    return {"object": "list", "data": [_revision(one, labels) for one in revisions]}


@router.post("/admin/caps/policies")
async def store(request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Store a policy (`groups`, `tiers`, `default_tier`) as the draft; one that contradicts itself is refused."""
    desk = services.operations.policies
    fields = Fields(await read_object(request))
    revision = await desk.store(_policy(fields), by=actor.signature)
    return _revision(revision, (await desk.revisions())[1])


@router.get("/admin/caps/tiers")
async def tiers(_: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the caps of every tier as they are in force, with what demand has made of them."""
    return {"object": "list", "data": list(services.operations.users.tiers())}


@router.post("/admin/caps/simulate")
async def simulate(request: Request, _: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Replay the last `days` under a policy: who would have met which cap, and what it would have cost."""
    fields = Fields(await read_object(request))
    days = fields.whole("days", 1, MOST_DAYS) or DAYS
    return await services.operations.simulating.replay(_policy(fields), days)


@router.get("/admin/caps/policies/{revision}")
async def policy(revision: str, _: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return a revision, by number or label, with its policy and what differs from the live one."""
    desk = services.operations.policies
    found = await desk.find(revision)
    labels = (await desk.revisions())[1]
    differs = await desk.diff("live", str(found.number)) if "live" in labels else ""
    return _revision(found, labels) | {"policy": json.loads(found.policy), "diff": differs}


@router.post("/admin/caps/policies/{revision}/publish")
async def publish(revision: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Let a revision hold, by number or label, on every node within a second."""
    desk = services.operations.policies
    made = await desk.publish(revision, by=actor.signature)
    return _revision(made, (await desk.revisions())[1])


@router.post("/admin/caps/policies/rollback")
async def rollback(actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Let the revision hold again that was published before the live one."""
    desk = services.operations.policies
    made = await desk.roll_back(by=actor.signature)
    return _revision(made, (await desk.revisions())[1])


def _policy(fields: Fields) -> dict[str, Any]:
    return {
        "groups": dict(fields.inner("groups").values),
        "tiers": dict(fields.inner("tiers").values),
        "default_tier": fields.needed_text("default_tier", 64),
    }


def _revision(one: PolicyRevision, labels: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": one.number,
        "object": "caps.policy",
        "labels": [label for label, number in labels.items() if number == one.number],
        "origin": one.origin,
        "by": one.by,
        "created_at": rfc3339(one.created_at),
        "published_at": rfc3339(one.published_at),
        "digest": one.digest,
    }
