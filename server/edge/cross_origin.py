"""Browsers on other origins: which may call, and which may open a socket."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_EXPOSED: Final = (
    "x-request-id",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)


def may_connect(origin: str | None, *, host: str, public_url: str | None, allowed: Sequence[str]) -> bool:
    """Return whether a socket may be opened: by programs, by our own pages, and from the origins that are allowed."""
    return origin is None or origin in allowed or "*" in allowed or is_own(origin, host=host, public_url=public_url)


def is_own(origin: str, *, host: str, public_url: str | None) -> bool:
    """Return whether a page of this origin is one of ours."""
    if origin.lower().partition("://")[2] == host.lower() != "":
        return True
    return public_url is not None and origin_of(public_url) == origin.lower()


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
