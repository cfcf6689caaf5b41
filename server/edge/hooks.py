"""`/hooks/entitlements`: what a payment system says of users, signed as standardwebhooks.com describes it."""

import hashlib
from typing import Any, Final

from fastapi import APIRouter, Request

from server.chat.entitlements import Entitling
from server.core import signatures
from server.core.errors import Refused
from server.core.moments import micros
from server.core.ports_entitlements import Effect
from server.edge.auth import CurrentServices
from server.edge.body import read_bytes
from server.edge.fields import Fields, wrong
from server.edge.json_in import decode

MOST_BYTES: Final = 64 * 1024
LONGEST: Final = 255

router = APIRouter(tags=["entitlements"])


@router.post("/hooks/entitlements")
async def entitlements(request: Request, services: CurrentServices) -> dict[str, Any]:
    """Do what a signed event says, once: `tier.set`, `grant.given` or `grant.taken_back`."""
    entitling = services.entitling
    if entitling.key is None:
        raise Refused("not_found", "No entitlements are taken here; `caps.entitlement_secret` turns them on.")
    body = await read_bytes(request, MOST_BYTES)
    event_id = signatures.check(entitling.key, request.headers, body, services.clock.now())
    fields = Fields(decode(body))
    effect = await _done(entitling, event_id, hashlib.sha256(body).hexdigest(), fields)
    return {
        "id": event_id,
        "object": "entitlement",
        "result": effect.result,
        "grant": effect.extra_id,
        "repeated": effect.repeated,
    }


async def _done(entitling: Entitling, event_id: str, digest: str, fields: Fields) -> Effect:
    at, data = _time(fields, "timestamp"), fields.inner("data")
    match fields.needed_text("type", LONGEST):
        case "tier.set":
            user, tier = data.needed_text("user", LONGEST), data.needed_text("tier", LONGEST)
            return await entitling.set_tier(event_id, digest, at, user=user, tier=tier)
        case "grant.given":
            return await entitling.give(
                event_id,
                digest,
                at,
                user=data.needed_text("user", LONGEST),
                gives=data.needed_text("gives", LONGEST),
                ends_at=_time(data, "ends_at"),
                priority=data.whole("priority", 1, 99) or 1,
                reason=data.text("reason", LONGEST) or "",
            )
        case "grant.taken_back":
            given_by = data.needed_text("event", signatures.LONGEST_ID)
            return await entitling.take_back(event_id, digest, at, given_by=given_by)
        case _:
            raise wrong("type", "tier.set, grant.given or grant.taken_back")


def _time(fields: Fields, name: str) -> int:
    try:
        return micros(fields.needed_text(name, LONGEST))
    except ValueError:
        raise wrong(fields.param(name), "a time such as 2026-12-31T00:00:00Z") from None
