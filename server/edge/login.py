"""`/login` and `/console/login`: the page that a link opens. Its script spends the link's code at `/session`.

It is written by hand and needs no built front end, so that signing in works wherever the server does.
"""

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from server.edge.site import PAGE

_HERE: Final = Path(__file__).parent
_PAGE: Final = (_HERE / "login.html").read_bytes()
_SCRIPT: Final = (_HERE / "login.js").read_bytes()
_STYLE: Final = (_HERE / "login.css").read_bytes()

router = APIRouter(include_in_schema=False)


@router.get("/login")
@router.get("/console/login")
async def page() -> Response:
    """Return the page."""
    return Response(_PAGE, media_type="text/html; charset=utf-8", headers=PAGE | {"cache-control": "no-store"})


@router.get("/login.js")
async def script() -> Response:
    """Return its script."""
    return Response(_SCRIPT, media_type="text/javascript; charset=utf-8", headers=PAGE)


@router.get("/login.css")
async def style() -> Response:
    """Return its style."""
    return Response(_STYLE, media_type="text/css; charset=utf-8", headers=PAGE)
