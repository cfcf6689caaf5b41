"""`/v1/files`: images that users upload once and name in requests."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from server.core.errors import Refused
from server.core.ports_images import File
from server.edge.asked import LONGEST_ID
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_bytes
from server.edge.fields import unsupported, wrong
from server.edge.pages import After, page

MOST_BYTES: Final = 8 * 1024 * 1024 + 64 * 1024
"""An image, and what a form has around it."""

_FORM: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                        "purpose": {"type": "string", "enum": ["vision"]},
                    },
                }
            }
        },
    }
}

router = APIRouter(tags=["files"])


@router.post("/v1/files", openapi_extra=_FORM)
async def upload(request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Keep an image, made small and harmless, to be named in requests; the same image is the same file."""
    form = await _form(request)
    try:
        name, data = await _image(form)
    finally:
        await form.close()
    return _shown(await services.files.upload(actor, data, name))


@router.get("/v1/files")
async def files(
    actor: CurrentActor,
    services: CurrentServices,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    after: After = None,
    order: Literal["asc", "desc"] = "desc",
    purpose: str | None = None,
) -> dict[str, Any]:
    """Return the user's files."""
    if purpose not in {None, "vision"}:
        return page([], more=False)
    found, more = await services.files.listed(actor, after=after, limit=limit, newest_first=order == "desc")
    return page([_shown(one) for one in found], more=more)


@router.get("/v1/files/{file_id}")
async def file(file_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return what a file is."""
    return _shown(await services.files.file(actor, file_id))


@router.get("/v1/files/{file_id}/content")
async def content(file_id: str, actor: CurrentActor, services: CurrentServices) -> Response:
    """Return the image of a file, or of one of the user's messages."""
    picture = await services.files.content(actor, file_id)
    # It never changes: its id is made of its bytes. Nobody is to read anything else into it than an image.
    headers = {"cache-control": "private, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Response(picture.data, media_type=picture.size.media_type, headers=headers)


@router.delete("/v1/files/{file_id}")
async def delete(file_id: str, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Delete a file; messages that show it keep its image."""
    await services.files.delete(actor, file_id)
    return {"id": file_id, "object": "file", "deleted": True}


async def _form(request: Request) -> FormData:
    body = await read_bytes(request, MOST_BYTES)

    async def whole() -> AsyncIterator[bytes]:
        yield body

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused("invalid_value", "The body is a form: multipart/form-data with 'file' and 'purpose'.")
    try:
        # All of it is in memory already.
        return await MultiPartParser(request.headers, whole(), max_files=1, max_fields=16).parse()  # type: ignore[arg-type]
    except (MultiPartException, KeyError, ValueError) as broken:
        raise Refused("invalid_value", f"The form cannot be read: {broken}.") from None


async def _image(form: FormData) -> tuple[str, bytes]:
    """Return the name and the bytes of the file that is uploaded."""
    purpose, file = form.get("purpose"), form.get("file")
    if purpose != "vision":
        raise unsupported("purpose", f"The purpose {str(purpose)[:64]!r} (send 'vision') is")
    if not isinstance(file, UploadFile):
        raise Refused("missing_field", "'file' is required, as a file of the form.", param="file")
    name = file.filename or "image"
    if len(name) > LONGEST_ID or not name.isprintable():
        raise wrong("file", f"a file whose name has at most {LONGEST_ID} printable characters")
    return name, await file.read()


def _shown(one: File) -> dict[str, Any]:
    return {
        "id": one.size.id,
        "object": "file",
        "bytes": one.size.bytes,
        "created_at": one.created_at // 1_000_000,
        "filename": one.name,
        "purpose": "vision",
        "status": "processed",
        "media_type": one.size.media_type,
        "width": one.size.width,
        "height": one.size.height,
    }
