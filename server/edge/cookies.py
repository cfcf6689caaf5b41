"""The cookie of a session, and from where it counts: from our own pages alone.

A browser may add the cookie to what any page makes it ask for. So each request has to show that a page of ours made it:
by what the browser says of itself (`Sec-Fetch-Site`, `Origin`) and, where something changes, by a header and a content
type that a form cannot send.
"""

from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from server.core.errors import Refused
from server.core.ports_sessions import PREFIX
from server.edge.cross_origin import is_own
from server.edge.cross_origin import is_secure as came_secure

OURS: Final = "x-parley"
"""The header that our pages send with what changes something; its value is 1."""

_KINDS: Final = frozenset({"application/json", ""})
"""What a body may be; where there is none, nothing needs to be said of it."""
_FORMS: Final = frozenset({("POST", "/v1/files")})
"""What takes a form; the header of ours is what no other page can send with it."""
_READS: Final = frozenset({"GET", "HEAD"})
_FROM_HERE: Final = frozenset({"same-origin", "none"})
"""`none`: somebody typed the address."""


def name(*, secure: bool) -> str:
    """Return the cookie's name; where browsers see us over https, one that no other host can set."""
    return "__Host-parley_session" if secure else "parley_session"


def session(connection: HTTPConnection, public_url: str | None) -> str | None:
    """Return the secret of the session that was brought, None if there is none. Raises `Refused` as `check_ours`."""
    secret = connection.cookies.get(name(secure=is_secure(public_url)), "")
    if not secret.startswith(PREFIX):
        return None
    check_ours(connection, public_url)
    return secret


def is_session(connection: HTTPConnection, public_url: str | None) -> bool:
    """Return whether it is a session that speaks for who asks: a key would count before it."""
    given = connection.cookies.get(name(secure=is_secure(public_url)), "")
    return given.startswith(PREFIX) and "authorization" not in connection.headers


def keep(response: Response, public_url: str | None, secret: str, seconds: int) -> None:
    """Have the browser keep the secret of a session for so long."""
    secure = is_secure(public_url)
    response.set_cookie(name(secure=secure), secret, max_age=seconds, secure=secure, httponly=True, samesite="strict")


def forget(response: Response, public_url: str | None) -> None:
    """Have the browser keep no session any more; no script of a page could."""
    keep(response, public_url, "", 0)


def check_ours(connection: HTTPConnection, public_url: str | None) -> None:
    """Raise `Refused` unless a page of ours made this request, or somebody who typed its address to read."""
    site = connection.headers.get("sec-fetch-site")
    origin = connection.headers.get("origin")
    host, secure = connection.headers.get("host", ""), came_secure(connection)
    ours = origin is not None and is_own(origin, host=host, public_url=public_url, secure=secure)
    if connection.scope["type"] == "websocket":
        if not ours:
            raise Refused("foreign_page", "With a session, only pages of this server may open a socket.")
        return
    if connection.scope["method"] in _READS:
        if site is not None and site not in _FROM_HERE:
            raise Refused("foreign_page", "With a session, only pages of this server may read.")
        return
    kind = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    call = (connection.scope["method"], connection.scope["path"])
    right_kind = kind in _KINDS or (kind == "multipart/form-data" and call in _FORMS)
    from_here = site == "same-origin" if site is not None else ours
    if not (from_here and right_kind and connection.headers.get(OURS) == "1"):
        raise Refused(
            "foreign_page",
            f"With a session, only pages of this server may change anything, with '{OURS}: 1' and JSON.",
        )


def is_secure(public_url: str | None) -> bool:
    """Return whether browsers see us over https."""
    return (public_url or "").lower().startswith("https://")
