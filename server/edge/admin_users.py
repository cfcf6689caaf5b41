"""`/admin/users`, `/admin/keys` and `/admin/links`: who there is, what they may use, and what lets them in."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request

from server.chat.users import Change
from server.core.moments import micros
from server.core.records import Role
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.fields import Fields, wrong
from server.edge.pages import After, Limit, page

LONGEST: Final = 255

UserName = Annotated[str, Path(max_length=LONGEST)]

router = APIRouter(tags=["operators"])


@router.get("/admin/users")
async def users(
    _: CurrentActor,
    services: CurrentServices,
    holding: Annotated[str, Query(max_length=LONGEST)] = "",
    limit: Limit = 50,
    after: After = None,
) -> dict[str, Any]:
    """Return users by name: all, or those whose name holds a text."""
    found, more = await services.operations.users.listed(holding=holding, after=after, limit=limit)
    return page([dict(one) for one in found], more=more)


@router.get("/admin/users/{name:path}")
async def one(name: UserName, _: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Return a user, by name, and how full each of their caps is now."""
    return await services.operations.users.one(name)


@router.post("/admin/users/{name:path}")
async def change(name: UserName, request: Request, actor: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Change what is given of a user: `tier`, `suspended`, `organisation` ("" for none)."""
    fields = Fields(await read_object(request))
    asked = Change(
        tier=fields.text("tier", LONGEST),
        suspended=fields.flag("suspended"),
        organisation=fields.text("organisation", LONGEST),
    )
    return await services.operations.users.change(name, asked, by=actor.signature)


@router.get("/admin/usage")
async def usage(
    user: str, _: CurrentActor, services: CurrentServices, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> dict[str, Any]:
    """Return what a user, by name, used of each model in the last days."""
    return {"object": "list", "data": list(await services.operations.users.usage(user, days))}


@router.get("/admin/keys")
async def keys(user: str, _: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the keys and sessions of a user, by name, revoked ones too, the oldest first."""
    return {"object": "list", "data": list(await services.operations.users.keys(user))}


@router.post("/admin/keys", status_code=201)
async def make_key(request: Request, actor: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Make a key for `user`, who is made if new: `role`, `tier`, `expires_at`. Its `secret` is shown this once."""
    fields = Fields(await read_object(request))
    return await services.operations.users.make_key(
        _name(fields),
        tier=fields.text("tier", LONGEST),
        role=_role(fields),
        expires_at=_time(fields, "expires_at"),
        by=actor.signature,
    )


@router.delete("/admin/keys/{key_id}")
async def revoke(key_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """End a key or a session for good."""
    return {
        "id": key_id,
        "object": "key",
        "deleted": await services.operations.users.revoke_key(key_id, by=actor.signature),
    }


@router.post("/admin/links", status_code=201)
async def make_link(request: Request, actor: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Make a link that signs `user` in once, who is made if new: `role`, `tier`. Its `path` is shown this once."""
    fields = Fields(await read_object(request))
    return await services.operations.users.make_link(
        _name(fields), tier=fields.text("tier", LONGEST), role=_role(fields), by=actor.signature
    )


def _name(fields: Fields) -> str:
    name = fields.needed_text("user", LONGEST)
    if not name.strip() or not name.isprintable():
        raise wrong("user", "one line of visible characters")
    return name


def _role(fields: Fields) -> Role:
    return Role(fields.choice("role", [role.value for role in Role]) or Role.USER)


def _time(fields: Fields, name: str) -> int | None:
    text = fields.text(name, 64)
    try:
        return None if text is None else micros(text)
    except ValueError:
        raise wrong(name, "a time such as 2026-12-31T00:00:00Z") from None
