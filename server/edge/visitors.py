"""People without an account: known again by a cookie that only we can make, and by the network that they come from."""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

from starlette.requests import HTTPConnection

from server.core.records import Actor
from server.edge.doorkeeper import network_of

COOKIE: Final = "parley_visitor"
KEPT_SECONDS: Final = 365 * 86_400
NO_NETWORK: Final = "here"
"""Where visitors come from whose network cannot be told from others'."""

_VALUE: Final = re.compile(r"(visitor_[A-Za-z0-9]{8,64})\.([0-9a-f]{64})", re.ASCII)


class Visitors:
    """Makes actors of the tier `tier` of them. `new` makes ids; `secure` is whether browsers see us over https."""

    def __init__(self, *, tier: str, secret: bytes, new: Callable[[str], str], secure: bool) -> None:
        self._tier, self._secret, self._new, self._secure = tier, secret, new, secure

    def actor(self, connection: HTTPConnection) -> Actor:
        """Return who it is; somebody new is given the cookie with the answer."""
        visitor: str | None = getattr(connection.state, "visitor", None) or self._known(connection)
        if visitor is None:
            visitor = self._new("visitor")
            connection.state.cookie = self._cookie(visitor)
        # A socket asks again with each frame.
        connection.state.visitor = visitor
        host = connection.client.host if connection.client else None
        return Actor(user_id=visitor, name="", tier=self._tier, network=network_of(host) or NO_NETWORK)

    def _known(self, connection: HTTPConnection) -> str | None:
        value = _VALUE.fullmatch(connection.cookies.get(COOKIE, ""))
        return value[1] if value and hmac.compare_digest(self._signature(value[1]), value[2]) else None

    def _cookie(self, visitor: str) -> str:
        kept = f"Max-Age={KEPT_SECONDS}; Path=/; HttpOnly; SameSite=Lax"
        return f"{COOKIE}={visitor}.{self._signature(visitor)}; {kept}{'; Secure' if self._secure else ''}"

    def _signature(self, visitor: str) -> str:
        return hmac.new(self._secret, f"visitor:{visitor}".encode(), hashlib.sha256).hexdigest()
