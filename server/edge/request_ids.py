"""The outermost layer: every response has an `x-request-id`, and no fault leaves without one. New visitors get theirs.

Plain ASGI: nothing is buffered and no task is added.
"""

import logging
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.edge.errors_http import respond
from server.edge.refusals import told

_STARTS: Final = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})

_log = logging.getLogger("parley.edge")


class RequestIds:
    """Names each request and each socket, and answers for what went wrong inside."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with the id in `scope["state"]["request_id"]` and in the response's headers."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = scope["app"].state.services.ids.new("req")
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def named(message: Message) -> None:
            nonlocal started
            if message["type"] in _STARTS:
                started = True
                own = [(b"x-request-id", request_id.encode())]
                if cookie := scope["state"].get("cookie"):
                    own.append((b"set-cookie", cookie.encode()))
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception as failed:
            _log.exception("a request failed", extra={"request_id": request_id, "path": scope["path"]})
            if not started:
                # For a socket Starlette turns this into the refusal of its handshake.
                await respond(told(failed))(scope, receive, named)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1011, "reason": "internal_error"})
            else:
                # The client must not take a half answer for a whole one: the server breaks the connection off.
                raise
