"""`/admin/caps/grants`, `/overrides` and `/extras`: what single users have beside their tier."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request

from server.core.moments import micros
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.fields import Fields, wrong

LONGEST_NAME: Final = 255
LONGEST_TEXT: Final = 200

router = APIRouter(tags=["operators"])


@router.get("/admin/caps/extras")
async def extras(_: CurrentActor, services: CurrentServices, user: str | None = None) -> dict[str, Any]:
    """Return the grants and overrides that hold, of one user by name or of all, the oldest first."""
    return {"object": "list", "data": list(await services.operations.extras.listed(user))}


@router.post("/admin/caps/grants")
async def grant(request: Request, actor: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Give a user something to use beside the tier: `user`, `gives`, `ends_at`, and `priority` and `reason`."""
    fields = Fields(await read_object(request))
    return await services.operations.extras.grant(
        fields.needed_text("user", LONGEST_NAME),
        fields.needed_text("gives", LONGEST_TEXT),
        ends_at=_ends_at(fields),
        priority=_priority(fields),
        reason=fields.text("reason", LONGEST_TEXT) or "",
        by=actor.signature,
    )


@router.post("/admin/caps/overrides")
async def override(request: Request, actor: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Let a line hold for a user in place of the tier's: `user`, `line`, `ends_at`, and `reason`."""
    fields = Fields(await read_object(request))
    return await services.operations.extras.override(
        fields.needed_text("user", LONGEST_NAME),
        fields.needed_text("line", LONGEST_TEXT),
        ends_at=_ends_at(fields),
        reason=fields.text("reason", LONGEST_TEXT) or "",
        by=actor.signature,
    )


@router.delete("/admin/caps/extras/{extra_id}")
async def void(extra_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Take a grant or an override back. What runs is charged to it still."""
    was = await services.operations.extras.void(extra_id, by=actor.signature)
    return {"id": extra_id, "object": "caps.extra", "deleted": was}


def _priority(fields: Fields) -> int:
    found = fields.whole("priority", 1, 99)
    return 1 if found is None else found


def _ends_at(fields: Fields) -> int:
    text = fields.needed_text("ends_at", 64)
    try:
        return micros(text)
    except ValueError:
        raise wrong("ends_at", "a time such as 2026-12-31T00:00:00Z") from None
