"""What sections say about each other: every name must stand for something."""

import difflib
from collections.abc import Collection, Iterator

from server.settings.model import Settings
from server.settings.problems import Finding, Path


def find(settings: Settings) -> list[Finding]:
    """Return every contradiction in `settings`, but for what `ratelimit` finds in groups and tiers."""
    return [*_nodes(settings), *_models(settings), *_groups(settings), *_defaults(settings)]


def _nodes(settings: Settings) -> Iterator[Finding]:
    if settings.clustered and settings.embedded_database:
        why = "Several nodes cannot share SQLite, which belongs to one process."
        cure = "Write `database: postgresql://…`, or `cluster: none`."
        yield Finding(("cluster",), why, cure)


def _models(settings: Settings) -> Iterator[Finding]:
    for alias, entry in settings.models.items():
        for index, name in enumerate(entry.served_by):
            path: Path = ("models", alias, *(("upstream",) if entry.upstream else ("upstreams", index)))
            yield from _known(path, name, settings.upstreams, "upstream")


def _groups(settings: Settings) -> Iterator[Finding]:
    for group, aliases in settings.groups.items():
        if group in settings.models:
            yield Finding(("groups", group), f"{group} is also the name of a model.", "Give the group another name.")
        if not aliases:
            yield Finding(("groups", group), "A group needs at least one model.", "Name one, or remove the group.")


def _defaults(settings: Settings) -> Iterator[Finding]:
    yield from _known(("default_model",), settings.default_model, settings.models, "model")
    if settings.titles is not None:
        yield from _known(("titles",), settings.titles, settings.models, "model")
    if settings.auth.anonymous is not None:
        yield from _known(("auth", "anonymous"), settings.auth.anonymous, settings.tiers, "tier")


def _known(path: Path, name: str, names: Collection[str], what: str) -> Iterator[Finding]:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        cure = f"Did you mean {near[0]}?" if near else f"Name one of: {', '.join(names)}."
        yield Finding(path, f"There is no {what} called {name}.", cure)
