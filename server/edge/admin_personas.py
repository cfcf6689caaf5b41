"""`/admin/personas`: the revisions of every persona, and which of them answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request

from server.chat.differences import difference
from server.chat.releases import LONGEST_NOTE, told
from server.core.moments import rfc3339
from server.core.ports_operator import LIVE, Revision, Standing
from server.core.rollout import WHOLE, Share
from server.edge.admin_bodies import Number, PersonaName, PublishBody, RollbackBody, RolloutBody, SourceBody
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.fields import Fields
from server.edge.shapes.bodies import described

MOST_SHARES: Final = 10

router = APIRouter(tags=["operators"])


@router.get("/admin/personas")
async def personas(_: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return all personas, live or not, by name, with their labels, rollout and recalled revisions."""
    standings = await services.operations.releases.standings()
    return {"object": "list", "data": [_release(name, standings[name]) for name in sorted(standings)]}


@router.get("/admin/personas/{name}/revisions")
async def revisions(name: PersonaName, _: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the revisions of a persona, the newest first."""
    found, standing = await services.operations.releases.revisions(name)
    return {"object": "list", "data": [_revision(revision, standing) for revision in found]}


@router.get("/admin/personas/{name}/revisions/{number}")
async def one_revision(name: PersonaName, number: Number, _: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return a revision with the text that was written."""
    releases = services.operations.releases
    revision = await releases.revision(name, number)
    standing = (await releases.standings()).get(name, Standing(labels={}))
    return _revision(revision, standing) | {"source": revision.source}


@router.post("/admin/personas/{name}/revisions", status_code=201, openapi_extra=described(SourceBody))
async def write(name: PersonaName, request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Make a draft of a text, with what is to be said of it; or say every mistake in it."""
    fields = Fields(await read_object(request))
    releases = services.operations.releases
    written = await releases.write(
        name,
        fields.needed_text("source"),
        note=fields.text("note", LONGEST_NOTE) or "",
        origin="import" if fields.choice("origin", ("console", "import")) == "import" else "console",
        by=actor.signature,
    )
    standing = (await releases.standings())[name]
    return _revision(written.revision, standing) | {"problems": [told(one) for one in written.warnings]}


@router.post("/admin/personas/{name}/lint", openapi_extra=described(SourceBody))
async def lint(name: PersonaName, request: Request, _: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Return the problems of a text. Changes nothing."""
    source = Fields(await read_object(request)).needed_text("source")
    return {"object": "list", "data": [told(one) for one in await services.operations.releases.lint(name, source)]}


@router.post("/admin/personas/{name}/preview", openapi_extra=described(SourceBody))
async def preview(name: PersonaName, request: Request, _: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Return the messages that `model`, or the default one, gets of a text at a first hello. Changes nothing."""
    fields = Fields(await read_object(request))
    source = fields.needed_text("source")
    return await services.operations.previewing.preview(name, source, fields.text("model", 64))


@router.get("/admin/personas/{name}/diff/{old}/{new}")
async def diff(
    name: PersonaName, old: Number, new: Number, _: CurrentActor, services: CurrentServices
) -> dict[str, Any]:
    """Return what differs between two revisions, as a unified diff."""
    releases = services.operations.releases
    text = difference(await releases.revision(name, old), await releases.revision(name, new))
    return {"object": "persona.diff", "persona": name, "old": old, "new": new, "diff": text}


@router.post("/admin/personas/{name}/publish", openapi_extra=described(PublishBody))
async def publish(
    name: PersonaName, request: Request, actor: CurrentActor, services: CurrentServices
) -> dict[str, Any]:
    """Let a label point at a revision: `live`, which is what users get, if no other is named."""
    fields = Fields(await read_object(request))
    releases = services.operations.releases
    await releases.publish(
        name, fields.whole("revision", 1), by=actor.signature, label=fields.text("label", 32) or LIVE
    )
    return _release(name, (await releases.standings())[name])


@router.post("/admin/personas/{name}/rollback", openapi_extra=described(RollbackBody))
async def rollback(
    name: PersonaName, request: Request, actor: CurrentActor, services: CurrentServices
) -> dict[str, Any]:
    """Let the revision answer that was published before the live one."""
    fields = Fields(await read_object(request))
    releases = services.operations.releases
    await releases.roll_back(name, recall=fields.flag("recall") or False, by=actor.signature)
    return _release(name, (await releases.standings())[name])


@router.put("/admin/personas/{name}/rollout", openapi_extra=described(RolloutBody))
async def rollout(
    name: PersonaName, request: Request, actor: CurrentActor, services: CurrentServices
) -> dict[str, Any]:
    """Give parts of the users other revisions than the live one."""
    shares = _shares(Fields(await read_object(request)))
    releases = services.operations.releases
    await releases.roll_out(name, shares, by=actor.signature)
    return _release(name, (await releases.standings())[name])


@router.post("/admin/personas/{name}/revisions/{number}/recall")
async def recall(name: PersonaName, number: Number, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Let nobody use a revision any more."""
    releases = services.operations.releases
    await releases.recall(name, number, by=actor.signature)
    return _release(name, (await releases.standings())[name])


def _shares(fields: Fields) -> Sequence[Share]:
    found = fields.objects("shares", MOST_SHARES)
    return [Share(one.needed_whole("revision", 1), one.needed_whole("percent", 1, WHOLE)) for one in found]


def _release(name: str, standing: Standing) -> dict[str, Any]:
    return {
        "id": name,
        "object": "persona.release",
        "labels": dict(standing.labels),
        "rollout": [{"revision": share.revision, "percent": share.percent} for share in standing.rollout],
        "recalled": sorted(standing.recalled),
    }


def _revision(revision: Revision, standing: Standing) -> dict[str, Any]:
    return {
        "id": f"{revision.persona}@{revision.number}",
        "object": "persona.revision",
        "persona": revision.persona,
        "revision": revision.number,
        "digest": revision.digest,
        "origin": revision.origin,
        "author": revision.author,
        "note": revision.note,
        "created_at": rfc3339(revision.created_at),
        "published_at": rfc3339(revision.published_at),
        "recalled_at": rfc3339(revision.recalled_at),
        "labels": [label for label, number in standing.labels.items() if number == revision.number],
    }
