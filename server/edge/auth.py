"""From what a client brings to an actor."""

import re
from dataclasses import replace
from operator import itemgetter
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from personas.languages import known_locale
from server.chat.observing import refused
from server.core.errors import Refused
from server.core.records import Actor, Binding, Role, is_client_secret
from server.edge import cookies
from server.edge.access import ACCESS
from server.edge.cross_origin import is_own, is_secure, refuse_foreign
from server.edge.services import Services

KEY_PROTOCOL: Final = "openai-insecure-api-key."
"""What browsers, which cannot send headers with a socket, put before their key among the subprotocols."""

_LONGEST_LANGUAGES: Final = 500
_WEIGHT: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
_SECRET_PROTOCOLS: Final = (KEY_PROTOCOL, "openai-organization.", "openai-project.")


def services_of(connection: HTTPConnection) -> Services:
    """Return what the doors are given."""
    services: Services = connection.app.state.services
    return services


def bearer(connection: HTTPConnection) -> str | None:
    """Return the secret in `Authorization: Bearer …`."""
    scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
    return secret.strip() or None if scheme.lower() == "bearer" else None


def offered_key(protocols: list[str]) -> str | None:
    """Return the key that is offered as a subprotocol."""
    return next((name.removeprefix(KEY_PROTOCOL) for name in protocols if name.startswith(KEY_PROTOCOL)), None)


def secret_of(connection: HTTPConnection, services: Services) -> str | None:
    """Return the secret that was brought: as a header, as a subprotocol, or as the cookie of a session.

    Raises `Refused` where a page that is not ours makes a browser bring the cookie.
    """
    given = bearer(connection) or offered_key(connection.scope.get("subprotocols", []))
    return given or cookies.session(connection, services.public_url)


def answered_protocol(protocols: list[str]) -> str | None:
    """Return the subprotocol to answer with, never one that carries a secret."""
    harmless = [name for name in protocols if not name.startswith(_SECRET_PROTOCOLS)]
    return "realtime" if "realtime" in harmless else next(iter(harmless), None)


def locale_of(connection: HTTPConnection) -> str | None:
    """Return the language that `Accept-Language` prefers, None if it names none."""
    wanted: list[tuple[float, str]] = []
    for entry in connection.headers.get("accept-language", "")[:_LONGEST_LANGUAGES].split(","):
        tag, _, weight = entry.partition(";")
        share = _WEIGHT.fullmatch(weight.strip()) if weight else None
        if known_locale(tag.strip()) and (share or not weight):
            wanted.append((-float(share[1]) if share else -1.0, known_locale(tag.strip())))
    best = min(wanted, key=itemgetter(0), default=None)
    return best[1] if best and best[0] < 0 else None


async def actor_of(
    services: Services, connection: HTTPConnection, secret: str | None, *, begun: int | None = None
) -> Actor:
    """Return who holds the secret, with the language of the client unless the user has one. Raises `Refused`.

    A client secret may expire while what was `begun` with it, in microseconds, goes on.
    """
    if not secret and services.visitors is not None:
        if connection.scope["type"] == "http" and connection.scope["method"] not in {"GET", "HEAD"}:
            # What a page elsewhere makes a browser ask would be charged to the visitor's network.
            refuse_foreign(connection, public_url=services.public_url, allowed=services.allowed_origins)
        visitor = services.visitors.actor(connection)
        services.doorkeeper.request(f"{visitor.network}")
        return replace(visitor, locale=locale_of(connection))
    if not secret:
        raise Refused("invalid_api_key", "No API key was given: send it as 'Authorization: Bearer <key>'.")
    address = connection.client.host if connection.client else None
    services.doorkeeper.knock(address)
    try:
        at = begun if begun is not None and is_client_secret(secret) else services.clock.now()
        actor = await services.identity.actor(secret, at)
    except Refused as refused:
        if refused.code == "invalid_api_key":
            services.doorkeeper.wrong(address, secret)
        raise
    services.doorkeeper.request(actor.user_id)
    _check_origin(actor.binding, connection, services.public_url)
    return actor if actor.locale else replace(actor, locale=locale_of(connection))


async def _current(request: Request) -> Actor:
    needed = ACCESS[request.method, request.scope["route"].path]
    services = services_of(request)
    try:
        actor = await actor_of(services, request, secret_of(request, services))
        if isinstance(needed, Role):
            check_role(actor, needed)
    except Refused as why:
        services.observer.saw(refused(why))
        raise
    return actor


def _check_origin(binding: Binding | None, connection: HTTPConnection, public_url: str | None) -> None:
    """Refuse a client secret that is bound to an origin, to everybody but the pages of it."""
    if binding is None or binding.origin is None:
        return
    origin, own = connection.headers.get("origin"), connection.headers.get("sec-fetch-site") == "same-origin"
    # Browsers leave the origin out where a page reads from the host that it came from.
    host, secure = connection.headers.get("host", ""), is_secure(connection)
    here = origin is None and own and is_own(binding.origin, host=host, public_url=public_url, secure=secure)
    if not here and (origin is None or origin.lower() != binding.origin):
        raise Refused("client_secret_bound", f"This client secret is for pages of {binding.origin} only.")


def check_role(actor: Actor, needed: Role) -> None:
    """Raise `Refused` if the actor's key may not do what `needed` may."""
    if not actor.role.covers(needed):
        raise Refused("role_required", f"This call needs a key of role {needed}; this key has role {actor.role}.")


CurrentActor = Annotated[Actor, Depends(_current)]
"""The actor of this request, who may make it."""

CurrentServices = Annotated[Services, Depends(services_of)]
