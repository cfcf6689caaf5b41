"""Refusals as HTTP: one shape for every error, whoever raises it."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from server.core.errors import Refused
from server.core.ports import StoreAway
from server.edge import cookies
from server.edge.refusals import store_away

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

_STATUS_CODES: Final = {404: "not_found", 405: "method_not_allowed", 413: "message_too_large"}
_OWN_HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "invalid_api_key": {"www-authenticate": "Bearer"},
    "upgrade_required": {"upgrade": "websocket", "connection": "Upgrade"},
}


def respond(refused: Refused) -> JSONResponse:
    """Return the response of a refusal: the catalogue's status, the error object, the headers."""
    headers = {**_OWN_HEADERS.get(refused.code, {}), **refused.headers}
    return JSONResponse({"error": refused.body()}, refused.problem.status, headers)


async def _refused(request: Request, refused: Refused) -> Response:
    response = respond(refused)
    public_url = request.app.state.services.public_url
    # Signing out is for whoever is refused, too; but no page of others signs anybody out.
    leaves = request.method == "DELETE" and request.url.path == "/session" and refused.code != "foreign_page"
    if (refused.code == "invalid_api_key" or leaves) and cookies.is_session(request, public_url):
        cookies.forget(response, public_url)
    return response


async def _from_framework(request: Request, failed: HTTPException) -> Response:
    """Say what the framework refuses (no route, wrong method, a body it could not read) in the one shape."""
    code = _STATUS_CODES.get(failed.status_code, "invalid_value")
    message = {
        "not_found": f"There is nothing at {request.url.path}.",
        "method_not_allowed": f"{request.url.path} does not take {request.method}.",
    }.get(code, str(failed.detail))
    return respond(Refused(code, message, headers=dict(failed.headers or {})))


async def _invalid(_: Request, failed: RequestValidationError) -> Response:
    error = failed.errors()[0]
    param = ".".join(str(step) for step in error["loc"][1:]) or None
    return respond(Refused("invalid_value", f"'{param}': {error['msg']}.", param=param))


async def _store_away(_: Request, __: StoreAway) -> Response:
    return respond(store_away())


HANDLERS: Final[Mapping[int | type[Exception], Handler]] = {
    Refused: _refused,
    StoreAway: _store_away,
    HTTPException: _from_framework,
    RequestValidationError: _invalid,
}
