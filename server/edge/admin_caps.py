"""`/admin/caps`: why users are refused, what demand has made of the caps, and what operators fix by hand."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from ratelimit.adaptive import Rule
from server.chat.demand import Demand
from server.core.moments import rfc3339
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.fields import Fields

LONGEST_REASON = 200

router = APIRouter(tags=["operators"])


@router.get("/admin/caps/adaptive")
async def adaptive(_: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the rules of `adaptive`, with the parts of their caps that tiers have, and this node's limits."""
    rules, demand = await services.operations.pins.demand()
    limits = {state.model: state for state in services.operations.adaptive.models()}
    data = [
        _rule(rule, demand)
        | {
            "models": [
                {
                    "model": model,
                    "limit": limits[model].limit,
                    "running": limits[model].running,
                    "running_by_tier": dict(limits[model].tiers),
                    "upstreams": dict(limits[model].upstreams),
                }
                for model in rule.models
            ]
        }
        for rule in rules
    ]
    return {"object": "list", "data": data}


@router.get("/admin/caps/explain")
async def explain(user: str, model: str, _: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Return what one more message of the user, by name, would meet: each cap, what fills it and when that frees."""
    return await services.operations.explaining.explain(user, model)


@router.put("/admin/caps/adaptive/{rule}/pin")
async def pin(rule: str, request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Fix the caps of a rule: `parts` in per cent by tier, or as they are without it."""
    fields = Fields(await read_object(request))
    reason = fields.text("reason", LONGEST_REASON) or ""
    given = fields.inner("parts")
    parts = {tier: 10 * (given.whole(tier, 0, 100) or 0) for tier in given.values}
    made = await services.operations.pins.pin(rule, parts, by=actor.signature, reason=reason)
    shown = {tier: part / 10 for tier, part in made.parts.items()}
    return {"id": rule, "object": "caps.pin", "parts": shown, "by": made.by, "reason": made.reason}


@router.delete("/admin/caps/adaptive/{rule}/pin")
async def unpin(rule: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Let the caps of a rule move again."""
    was = await services.operations.pins.unpin(rule, by=actor.signature)
    return {"id": rule, "object": "caps.pin", "deleted": was}


def _rule(rule: Rule, demand: Demand) -> dict[str, Any]:
    pin, published = demand.pins.get(rule.name), demand.published.get(rule.name)
    return {
        "id": rule.name,
        "object": "caps.rule",
        "shadow": rule.shadow,
        "announced": rule.announce,
        "since": rfc3339(published.since) if published else None,
        "tiers": [
            {
                "tier": tier,
                "part": demand.part(rule, tier) / 10,
                "never_below": rule.floor(tier),
                "pinned": pin is not None and tier in pin.parts,
            }
            for tier in rule.tiers
        ],
        "pin": {"by": pin.by, "reason": pin.reason, "at": rfc3339(pin.at)} if pin else None,
    }
