"""`/v1/realtime/client_secrets`: credentials that an application makes for the browsers of its users."""

from typing import Any, Final

from fastapi import APIRouter, Request

from server.chat.client_secrets import Wanted
from server.core.moments import rfc3339
from server.core.ports_secrets import ClientSecret
from server.core.records import Binding
from server.edge.asked import LONGEST_ID
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.cross_origin import is_secure, may_connect, not_allowed, origin_of
from server.edge.fields import Fields, unsupported, wrong
from server.edge.pages import After, Limit, page
from server.edge.shapes.bodies import ClientSecretBody, described

SHORTEST: Final = 10
LONGEST: Final = 7_200
USUAL: Final = 600
"""Seconds that a secret lasts, at the least, at the most, and if nothing is said: those of OpenAI."""
LONGEST_INSTRUCTIONS: Final = 32_768

router = APIRouter(tags=["client secrets"])


@router.post("/v1/realtime/client_secrets", openapi_extra=described(ClientSecretBody))
async def mint(request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Make a client secret for a user of the application. It is shown once."""
    wanted = read(Fields(await read_object(request)))
    if wanted.origin is not None and not may_connect(
        wanted.origin,
        host=request.headers.get("host", ""),
        public_url=services.public_url,
        allowed=services.allowed_origins,
        secure=is_secure(request),
    ):
        raise not_allowed(wanted.origin, "origin")
    secret, made = await services.secrets.mint(actor, wanted)
    return {
        "value": secret,
        "expires_at": made.binding.expires_at // 1_000_000,
        "session": session_of(made.binding, services.ids.new("sess")),
        "client_secret": _shown(made),
    }


@router.get("/v1/realtime/client_secrets")
async def listed(
    actor: CurrentActor,
    services: CurrentServices,
    limit: Limit = 20,
    after: After = None,
    user: str | None = None,
) -> dict[str, Any]:
    """Return the secrets that this user's keys have made and that can be used, the newest first."""
    found, more = await services.secrets.listed(actor, user=user, after=after, limit=limit)
    return page([_shown(one) for one in found], more=more)


@router.delete("/v1/realtime/client_secrets/{secret_id}")
async def revoke(secret_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """End a client secret at once: sockets that were opened with it are answered no more."""
    await services.secrets.revoke(actor, secret_id)
    return {"id": secret_id, "object": "client_secret", "deleted": True}


def read(fields: Fields) -> Wanted:
    """Return what the body asks for. Raises `Refused`, naming the field."""
    expires, session = fields.inner("expires_after"), fields.inner("session")
    expires.choice("anchor", ("created_at",))
    if session.choice("type", ("realtime", "transcription")) == "transcription":
        raise unsupported("session.type", "Transcription is")
    seconds = expires.whole("seconds", SHORTEST, LONGEST)
    user = fields.text("user", LONGEST_ID)
    if user is not None and not (user.strip() and user.isprintable()):
        raise wrong("user", "one line of visible characters")
    prompt = session.inner("prompt")
    persona, model = prompt.text("id", LONGEST_ID), session.text("model", LONGEST_ID)
    if persona in {"", "persona:"}:
        raise wrong(prompt.param("id"), "the name of a persona")
    if model == "":
        raise wrong(session.param("model"), "the name of a model")
    for name in ("version", "variables"):
        if prompt.given(name):
            raise unsupported(prompt.param(name), "A client secret with it is")
    return Wanted(
        seconds=USUAL if seconds is None else seconds,
        user=user or "",
        tier=fields.text("tier", LONGEST_ID),
        origin=_origin(fields),
        persona=persona.removeprefix("persona:") if persona else None,
        model=model,
        instructions=session.text("instructions", LONGEST_INSTRUCTIONS) or None,
        messages=fields.whole("max_messages", 1),
    )


def session_of(binding: Binding, session_id: str) -> dict[str, Any]:
    """Return the session that is begun with a secret, as Realtime clients know it."""
    return {
        "id": session_id,
        "object": "realtime.session",
        "type": "realtime",
        "model": binding.model,
        "output_modalities": ["text"],
        "instructions": binding.instructions or "",
        "prompt": {"id": binding.persona} if binding.persona else None,
    }


def _origin(fields: Fields) -> str | None:
    given = fields.text("origin", LONGEST_ID)
    if given is not None and (
        not given.lower().startswith(("http://", "https://")) or origin_of(given) != given.lower()
    ):
        raise wrong("origin", "an origin as browsers send it, such as https://chat.example.org")
    return given.lower() if given is not None else None


def _shown(one: ClientSecret) -> dict[str, Any]:
    binding = one.binding
    return {
        "id": binding.id,
        "object": "client_secret",
        "hint": one.hint,
        "user": one.user or None,
        "tier": one.tier,
        "origin": binding.origin,
        "persona": binding.persona,
        "model": binding.model,
        "max_messages": binding.messages,
        "created_at": rfc3339(binding.created_at),
        "expires_at": rfc3339(binding.expires_at),
    }
