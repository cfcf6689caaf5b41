"""The pages for people: the built files of `web/`, with the headers that keep them safe.

They are read once, when the first is asked for: a build beside a running server changes nothing of it.
"""

import gzip
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.core.errors import Refused

BUILT: Final = Path(__file__).parents[1] / "dist"
"""Where `make run` and `make test` put what they build; the image and the wheel carry it there."""

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types parley"
)

PAGE: Final = {
    "content-security-policy": CONTENT_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
"""What every page of ours is sent with: it may load and reach this server only, and nobody may frame it."""

_ASSET: Final = {
    "cache-control": "public, max-age=31536000, immutable",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_EMBED: Final = {
    "cache-control": "public, max-age=300",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}
_NOT_BUILT: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Parley</title>'
    '<meta name="viewport" content="width=device-width"><h1>Parley</h1>'
    "<p>The server runs, but its chat page has not been built: <code>make web</code> in the checkout does that "
    "(it needs a package registry once), and then start the server again.</p>"
    '<p>Programs can talk to it as it is: <a href="/docs">what it answers</a>.</p></html>'
)
_SMALLEST_WORTH: Final = 1024
"""Bytes below which compressing saves nothing."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class File:
    """One built file; `packed` is None where it does not become smaller."""

    content: bytes
    media_type: str
    packed: bytes | None


@cache
def built() -> dict[str, File]:
    """Return the built files by their path in the folder; none if nothing was built."""
    return {path.relative_to(BUILT).as_posix(): _read(path) for path in sorted(BUILT.rglob("*")) if path.is_file()}


def answer(request: Request, path: str, headers: dict[str, str]) -> Response:
    """Return a built file. Raises `Refused("not_found")`."""
    file = built().get(path)
    if file is None:
        raise Refused("not_found", "There is nothing at this address.")
    if file.packed is not None:
        headers = headers | {"vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, headers=headers | {"content-encoding": "gzip"}, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)


@router.get("/")
@router.get("/c/{conversation_id}")
async def chat_page(request: Request) -> Response:
    """Return the chat page, which shows a conversation if its address names one."""
    if "index.html" not in built():
        return Response(_NOT_BUILT, 503, media_type="text/html; charset=utf-8")
    return answer(request, "index.html", PAGE)


@router.get("/console")
@router.get("/console/{view:path}")
async def console_page(request: Request) -> Response:
    """Return the operators' console; who may see anything in it is a matter of `/admin`."""
    if "console.html" not in built():
        return Response(_NOT_BUILT, 503, media_type="text/html; charset=utf-8")
    return answer(request, "console.html", PAGE)


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """Return a part of a page; its name changes with its content."""
    return answer(request, f"assets/{name}", _ASSET)


@router.get("/embed/{name:path}")
async def embedded(request: Request, name: str) -> Response:
    """Return a part of what other sites embed; any may fetch it, and what it may do is a matter of its credential."""
    return answer(request, f"embed/{name}", _EMBED)


def _read(path: Path) -> File:
    content = path.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    media_type = {"text/javascript": "text/javascript; charset=utf-8"}.get(guessed, guessed)
    packed = gzip.compress(content, mtime=0) if len(content) >= _SMALLEST_WORTH else None
    return File(content, media_type, packed if packed and len(packed) < len(content) else None)
