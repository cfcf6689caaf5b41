"""Which revisions of personas answer, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, select

from server.adapters import persona_rows
from server.adapters.audit_sql import noted, noted_all
from server.adapters.database import Database
from server.adapters.schema import persona_labels, persona_releases, persona_revisions
from server.core.errors import Refused
from server.core.ports_operator import DRAFT, LIVE, Draft, Revision, Standing, Taken
from server.core.rollout import Share

FILES: Final = "files"
"""Who changed what, where nobody did but the files themselves."""

_TAKEN: Final = "persona file taken"

_T = TypeVar("_T")


class SqlReleases:
    """A `Releases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def version(self) -> int:
        return await self._database.read(persona_rows.version)

    async def standings(self) -> Mapping[str, Standing]:
        return await self._database.read(_standings)

    async def held(self) -> Mapping[str, str]:
        return await self._database.read(_held)

    async def take_files(self, drafts: Sequence[Draft], *, vetoed: Collection[str], now: int) -> Sequence[Taken]:
        held = await self._database.read(_held)
        new = [draft for draft in drafts if held.get(draft.persona) != draft.digest]

        def work(connection: Connection) -> list[Taken]:
            unknown = persona_rows.unknown(connection, [draft.persona for draft in new])
            taken = _take_first(connection, [draft for draft in new if draft.persona in unknown], vetoed, now)
            taken += [_take(connection, draft, vetoed, now) for draft in new if draft.persona not in unknown]
            persona_rows.raise_version(connection)
            return taken

        return await self._database.write(work) if new else []

    async def move(self, persona: str, label: str, number: int, *, by: str, now: int) -> Revision:
        def work(connection: Connection) -> Revision:
            revision = _existing(connection, persona, number)
            before = persona_rows.live(connection, persona) if label == LIVE else None
            if label == LIVE:
                _publish(connection, revision, now)
            elif revision.recalled_at is not None:
                raise _recalled(revision)
            else:
                persona_rows.point(connection, persona, label, number)
            was = {"was": before.number} if before else {}
            noted(connection, now, by, "persona published", persona=persona, revision=number, label=label, **was)
            return _existing(connection, persona, number)

        return await self._changed(work)

    async def roll_back(self, persona: str, *, recall: bool, by: str, now: int) -> Revision:
        def work(connection: Connection) -> Revision:
            live = persona_rows.live(connection, persona)
            to = _before(connection, live) if live else None
            if live is None or to is None:
                raise Refused(
                    "release_refused",
                    f"No revision of '{persona}' was live before this one. Publish the one that is to answer.",
                    param="name",
                )
            persona_rows.point(connection, persona, LIVE, to.number)
            persona_rows.keep(connection, persona, shares=())
            if recall:
                _recall(connection, live, now)
            detail = {"persona": persona, "revision": to.number, "was": live.number, "recalled": recall}
            noted(connection, now, by, "persona rolled back", **detail)
            return to

        return await self._changed(work)

    async def roll_out(self, persona: str, shares: Sequence[Share], *, by: str, now: int) -> None:
        def work(connection: Connection) -> None:
            for share in shares:
                revision = _existing(connection, persona, share.revision)
                if revision.recalled_at is not None:
                    raise _recalled(revision)
            if persona_rows.live(connection, persona) is None:
                message = f"No revision of '{persona}' is live, for those who get none of these. Publish one first."
                raise Refused("release_refused", message, param="name")
            persona_rows.keep(connection, persona, shares=tuple(shares))
            detail: dict[str, Any] = {f"revision {share.revision}": f"{share.percent}%" for share in shares}
            noted(connection, now, by, "persona rolled out", persona=persona, **detail)

        await self._changed(work)

    async def recall(self, persona: str, number: int, *, by: str, now: int) -> Revision:
        def work(connection: Connection) -> Revision:
            _recall(connection, _existing(connection, persona, number), now)
            noted(connection, now, by, "persona recalled", persona=persona, revision=number)
            return _existing(connection, persona, number)

        return await self._changed(work)

    async def _changed(self, work: Callable[[Connection], _T]) -> _T:
        def whole(connection: Connection) -> _T:
            done = work(connection)
            persona_rows.raise_version(connection)
            return done

        return await self._database.write(whole)


def _standings(connection: Connection) -> Mapping[str, Standing]:
    labels: dict[str, dict[str, int]] = {}
    for row in connection.execute(select(persona_labels)):
        labels.setdefault(row.persona, {})[row.label] = row.number
    recalled: dict[str, set[int]] = {}
    columns = persona_revisions.c
    for row in connection.execute(select(columns.persona, columns.number).where(columns.recalled_at.is_not(None))):
        recalled.setdefault(row.persona, set()).add(row.number)
    rollouts = {row.persona: row.rollout for row in connection.execute(select(persona_releases))}
    return {
        persona: Standing(
            labels=labels.get(persona, {}),
            rollout=persona_rows.read_shares(rollouts.get(persona, "[]")),
            recalled=frozenset(recalled.get(persona, ())),
        )
        for persona in labels.keys() | recalled.keys()
    }


def _held(connection: Connection) -> Mapping[str, str]:
    """Return the digest of what each persona's file held last."""
    revisions, releases = persona_revisions.c, persona_releases.c
    query = select(revisions.persona, revisions.digest).join(
        persona_releases,
        (releases.persona == revisions.persona) & (releases.file_number == revisions.number),
    )
    return {row.persona: row.digest for row in connection.execute(query)}


def _take_first(connection: Connection, drafts: Sequence[Draft], vetoed: Collection[str], now: int) -> list[Taken]:
    """Take the files of personas without a revision: thousands at once, when a folder is read for the first time."""
    if not drafts:
        return []
    taken = [_first(draft, live=draft.digest not in vetoed, now=now) for draft in drafts]
    persona_rows.store_first(connection, [one.revision for one in taken])
    noted_all(connection, now, FILES, _TAKEN, map(_told, taken))
    return taken


def _first(draft: Draft, *, live: bool, now: int) -> Taken:
    revision = Revision(
        persona=draft.persona,
        number=1,
        digest=draft.digest,
        compiled=draft.compiled,
        source=draft.source,
        origin="file",
        author="",
        note="",
        created_at=now,
        published_at=now if live else None,
    )
    return Taken(revision, "live" if live else "draft")


def _told(taken: Taken) -> Mapping[str, Any]:
    return {"persona": taken.revision.persona, "revision": taken.revision.number, "label": taken.became}


def _take(connection: Connection, draft: Draft, vetoed: Collection[str], now: int) -> Taken:
    revision = persona_rows.find(connection, draft.persona, digest=draft.digest)
    if revision is None:
        revision = persona_rows.store(connection, draft, origin="file", author="", note="", now=now)
    held = persona_rows.file_number(connection, draft.persona)
    if held == revision.number:
        return Taken(revision, "nothing")  # another node was quicker
    persona_rows.keep(connection, draft.persona, file=revision.number)
    live = persona_rows.live(connection, draft.persona)
    if live is not None and live.number == revision.number:
        return Taken(revision, "nothing")
    follows = live is None or live.origin == "file" or live.number == held
    goes_live = follows and revision.recalled_at is None and draft.digest not in vetoed
    if goes_live:
        persona_rows.point(connection, draft.persona, LIVE, revision.number)
        persona_rows.drop_labels(connection, draft.persona, revision.number, DRAFT)
        persona_rows.change(connection, revision, published_at=now)
    else:
        persona_rows.point(connection, draft.persona, DRAFT, revision.number)
    taken = Taken(revision, "live" if goes_live else "draft")
    noted(connection, now, FILES, _TAKEN, **_told(taken))
    return taken


def _publish(connection: Connection, revision: Revision, now: int) -> None:
    persona_rows.point(connection, revision.persona, LIVE, revision.number)
    persona_rows.drop_labels(connection, revision.persona, revision.number, DRAFT)
    persona_rows.keep(connection, revision.persona, shares=())
    persona_rows.change(connection, revision, published_at=now, recalled_at=None)


def _recall(connection: Connection, revision: Revision, now: int) -> None:
    persona_rows.change(connection, revision, recalled_at=now)
    persona_rows.drop_labels(connection, revision.persona, revision.number)
    shares = persona_rows.rollout(connection, revision.persona)
    left = tuple(share for share in shares if share.revision != revision.number)
    if left != shares:
        persona_rows.keep(connection, revision.persona, shares=left)


def _before(connection: Connection, live: Revision) -> Revision | None:
    """Return the revision that was published before this one and may be used."""
    columns = persona_revisions.c
    query = (
        select(persona_revisions)
        .where(
            columns.persona == live.persona,
            columns.number != live.number,
            columns.recalled_at.is_(None),
            columns.published_at < (live.published_at or 0),
        )
        .order_by(columns.published_at.desc(), columns.number.desc())
    )
    row = connection.execute(query).mappings().first()
    return Revision(**row) if row else None


def _existing(connection: Connection, persona: str, number: int) -> Revision:
    revision = persona_rows.find(connection, persona, number=number)
    if revision is None:
        raise Refused("persona_not_found", f"There is no revision {number} of a persona '{persona}'.", param="revision")
    return revision


def _recalled(revision: Revision) -> Refused:
    return Refused(
        "release_refused",
        f"Revision {revision.number} of '{revision.persona}' is recalled. Publishing it takes that back.",
        param="revision",
    )
