"""The web application: every door, under the layers that all of them share."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from server import __version__
from server.edge import (
    admin_audit,
    admin_caps,
    admin_extras,
    admin_now,
    admin_personas,
    admin_policies,
    admin_responses,
    admin_users,
    health,
    hooks,
    http_client_secrets,
    http_completions,
    http_conversations,
    http_files,
    http_keeping,
    http_models,
    http_moderations,
    http_personas,
    http_responses,
    http_session,
    http_stored_completions,
    http_usage,
    login,
    reference,
    site,
)
from server.edge.cross_origin import CrossOrigin
from server.edge.description import complete
from server.edge.errors_http import HANDLERS
from server.edge.request_ids import RequestIds

_ROUTERS: Final[tuple[APIRouter, ...]] = (
    http_responses.router,
    http_completions.router,
    http_stored_completions.router,
    http_models.router,
    http_personas.router,
    http_keeping.router,
    http_conversations.router,
    http_usage.router,
    http_client_secrets.router,
    http_session.router,
    login.router,
    http_files.router,
    http_moderations.router,
    admin_audit.router,
    admin_caps.router,
    admin_extras.router,
    admin_now.router,
    admin_users.router,
    admin_policies.router,
    admin_personas.router,
    admin_responses.router,
    hooks.router,
    health.router,
    reference.router,
    site.router,
)


class _Application(FastAPI):
    """Describes itself with what the framework cannot know."""

    def openapi(self) -> dict[str, Any]:
        """Return the description of the HTTP surface."""
        return complete(super().openapi())


def create(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    """Return the application. `lifespan` has to put the `Services` on `app.state.services`."""
    app = _Application(
        title="Parley",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict(HANDLERS),
        middleware=[Middleware(RequestIds), Middleware(CrossOrigin)],
    )
    for router in _ROUTERS:
        app.router.routes.extend(router.routes)
    return app
