"""`/session`: who the browser is signed in as; it signs in with a code, and out."""

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from server.core.errors import Refused
from server.core.moments import rfc3339
from server.core.records import Actor
from server.edge import cookies
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.fields import Fields

LONGEST: Final = 255
SECOND: Final = 1_000_000

router = APIRouter(tags=["session"])


@router.get("/session")
async def who(actor: CurrentActor) -> dict[str, Any]:
    """Return who asks, by session or by key: `user`, `tier` and `role`."""
    return _session(actor)


@router.post("/session")
async def sign_in(request: Request, services: CurrentServices) -> Response:
    """Spend the `code` of a link, once, and begin a session, which the browser keeps as a cookie."""
    cookies.check_ours(request, services.public_url)
    address = request.client.host if request.client else None
    code = Fields(await read_object(request)).needed_text("code", LONGEST)
    services.doorkeeper.knock(address)
    try:
        secret, session, actor = await services.signing_in.sign_in(code)
    except Refused as refused:
        if refused.code == "invalid_login_code":
            services.doorkeeper.wrong(address, code)
        raise
    until = session.expires_at or session.created_at
    response = JSONResponse(_session(actor) | {"expires_at": rfc3339(until)})
    cookies.keep(response, services.public_url, secret, (until - session.created_at) // SECOND)
    return response


@router.delete("/session")
async def sign_out(request: Request, actor: CurrentActor, services: CurrentServices) -> Response:
    """End the session of this browser; nobody comes in with it any more. A key is no session and stays."""
    secret = cookies.session(request, services.public_url)
    ended = secret is not None and await services.signing_in.sign_out(secret)
    response = JSONResponse({"object": "session", "user": actor.name, "deleted": ended})
    cookies.forget(response, services.public_url)
    return response


def _session(actor: Actor) -> dict[str, Any]:
    return {"object": "session", "user": actor.name, "tier": actor.tier, "role": actor.role}
