"""Browsers on other origins: which may call, and which may open a socket."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from server.core.errors import Refused

_EXPOSED: Final = (
    "x-request-id",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)


def may_connect(
    origin: str | None, *, host: str, public_url: str | None, allowed: Sequence[str], secure: bool = False
) -> bool:
    """Return whether a socket may be opened: by programs, by our own pages, and from the origins that are allowed."""
    if origin is None or origin in allowed or "*" in allowed:
        return True
    return is_own(origin, host=host, public_url=public_url, secure=secure)


def is_own(origin: str, *, host: str, public_url: str | None, secure: bool = False) -> bool:
    """Return whether a page of this origin is one of ours. `secure`: the request came over TLS."""
    given, public = origin.lower(), origin_of(public_url) if public_url is not None else None
    if public == given:
        return True
    # A proxy may end TLS without saying so; a page that came in the clear is none of ours where we have TLS.
    ours = [f"https://{host.lower()}"]
    if not secure and public != ours[0]:
        ours.append(f"http://{host.lower()}")
    return host != "" and given in ours


def is_secure(connection: HTTPConnection) -> bool:
    """Return whether the request came over TLS, as far as we are told."""
    return connection.scope.get("scheme") in {"https", "wss"}


def refuse_foreign(connection: HTTPConnection, *, public_url: str | None, allowed: Sequence[str]) -> None:
    """Raise `Refused` where a browser asks for a page that may not connect."""
    origin, host = connection.headers.get("origin"), connection.headers.get("host", "")
    if not may_connect(origin, host=host, public_url=public_url, allowed=allowed, secure=is_secure(connection)):
        raise not_allowed(str(origin))


def not_allowed(origin: str, param: str | None = None) -> Refused:
    """Return the refusal of browsers on pages of this origin."""
    message = f"Browsers on {origin} may not connect; an operator can add it to `allowed_origins`."
    return Refused("origin_not_allowed", message, param=param)


def origin_of(url: str) -> str:
    """Return the origin of an address, in lower case."""
    parts = urlsplit(url.lower())
    return f"{parts.scheme}://{parts.netloc}"


class CrossOrigin:
    """Answers the browser's questions (CORS) as the configuration says, which is known once the server runs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._inner: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with the headers of CORS for the origins that are allowed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._inner is None:
            origins = scope["app"].state.services.allowed_origins
            self._inner = self._allowing(origins) if origins else self._app
        await self._inner(scope, receive, send)

    def _allowing(self, origins: Sequence[str]) -> ASGIApp:
        return CORSMiddleware(
            self._app, allow_origins=origins, allow_methods=["*"], allow_headers=["*"], expose_headers=_EXPOSED
        )
