"""`parley personas`: list, check and show who can answer; bring them in and give them out."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.output import CommandError, as_json, as_table, as_yaml, remark, say
from server.cli.setup import ConfigOption, JsonOption, now, read, stores

if TYPE_CHECKING:
    import personas
    from server.core.ports_operator import Standing
    from server.core.records import Model
    from server.settings import Settings

commands = typer.Typer(
    help="List, check, show, import, export and release personas; the schema of their files.", no_args_is_help=True
)


@commands.command("list")
def list_(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List all personas with the revision that is live and the labels."""
    settings = read(config)
    standings = asyncio.run(_standings(settings))
    shelf = library(settings)
    rows: list[dict[str, Any]] = []
    for name in sorted({*shelf.names, *standings} - {"house"}):
        own = dict(standings[name].labels) if name in standings else {}
        rows.append({"name": name, "revision": own.get("live"), "labels": own})
    if json:
        as_json(rows)
        return
    as_table(rows, empty="There are no personas.")
    if shelf.refused:
        remark(f"Refused for their errors: {', '.join(sorted(shelf.refused))}. `parley personas lint` tells them.")


@commands.command("lint")
def lint(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH", help="Files or folders; else all.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Check persona files; each problem has its line and the way out. Fails if one is an error."""
    settings = read(config)
    problems = found(settings, paths or [])
    if json:
        as_json([_problem(problem) for problem in problems])
    else:
        for problem in problems:
            say(str(problem))
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)
    if not json and not problems:
        remark("No problems." if paths else f"No problems in {', '.join(library(settings).names)}.")


@commands.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A persona.")],
    as_model_sees: Annotated[
        bool, typer.Option("--as-model-sees", help="Print the messages that a model gets.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="For which model; else the default one.")
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show a persona: what it is, or what a model is told."""
    settings = read(config)
    compiled = library(settings).get(name)
    if as_model_sees:
        messages, portions = seen(settings, compiled, _model(settings, model))
        if json:
            as_json(messages)
            return
        say("\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages))
        for portion in (one for one in portions if one.left_out):
            remark(f"Of {portion.part}, {portion.left_out} had no room.")
        return
    facts = compiled.model_dump(mode="json", exclude_defaults=True)
    if json:
        as_json(facts)
        return
    as_yaml(facts)


@commands.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A character card, SKILL.md, .prompt, or an export.")],
    into: Annotated[Path | None, typer.Option("--into", metavar="FOLDER", help="Where to; else your personas.")] = None,
    config: ConfigOption = None,
) -> None:
    """Make personas of another tool's file, and tell what is not taken over. They are their owner's alone."""
    from personas import interop

    settings = read(config)
    known = library(settings)
    found = interop.read(_content(file), file_name=file.name, reserved=_house_headings(known))
    folder = into or next(iter(settings.personas), Path("personas"))
    taken = {*known.names, *known.refused}
    for imported in found:
        places = (folder / imported.name, folder / f"{imported.name}.md")
        if imported.name in taken or any(place.exists() for place in places):
            raise CommandError(
                f"There is already a persona {imported.name}. Give the one in {file} another title, or remove yours."
            )
        taken.add(imported.name)
    for imported in found:
        path = folder / imported.name / "persona.md"
        path.parent.mkdir(parents=True)
        path.write_text(imported.text, encoding="utf-8")
        say(str(path))
        for problem in imported.problems:
            remark(f"{imported.name}: {problem.message} {problem.cure}".rstrip())
    if folder.resolve() not in {known_folder.resolve() for known_folder in settings.personas}:
        remark(f"Add {folder} to `personas` in the configuration to have them served.")


@commands.command("export")
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A persona.")],
    format_: Annotated[str, typer.Option("--format", metavar="FORMAT", help="Such as card, card-png or skill.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; else here.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write a persona for another tool, and tell what has no place there. The rules of the house stay here."""
    from personas import interop

    if format_ not in interop.FORMATS:
        raise CommandError(f"There is no format {format_}. Name one of: {', '.join(interop.FORMATS)}.")
    exported = interop.write(library(read(config)).get(name), format_)
    path = output or Path(exported.file_name)
    if path.exists():
        raise CommandError(f"There is already a file {path}. Name another one with -o, or remove it.")
    path.write_bytes(exported.content)
    say(str(path))
    for problem in exported.problems:
        remark(f"{problem.message} {problem.cure}".rstrip())


@commands.command("schema")
def schema() -> None:
    """Print the JSON Schema of a persona's front matter, for editors."""
    from personas.schema import file_schema

    as_json(file_schema())


def library(settings: "Settings", more: Sequence[Path] = ()) -> "personas.Library":
    """Return the personas of the shipped catalog, of the configuration's folders and of `more`."""
    from personas import CATALOG, Library

    return Library.load([CATALOG, *settings.personas, *more], groups=settings.groups, models=settings.models)


def found(settings: "Settings", paths: Sequence[Path]) -> list["personas.Problem"]:
    """Return the problems of the files at `paths`, or of all files."""
    for path in paths:
        if not path.exists():
            raise CommandError(
                f"There is nothing at {path}. Name a persona's file, its folder, or a folder of personas."
            )
    folders = dict.fromkeys(_folder(path) for path in paths)
    shelf = library(settings, list(folders))
    problems = sorted([*shelf.problems, *heavy(settings, shelf)], key=lambda problem: (problem.path, problem.line))
    wanted = [path.resolve() for path in paths]
    if not wanted:
        return problems
    return [one for one in problems if any(Path(one.path).resolve().is_relative_to(path) for path in wanted)]


def heavy(settings: "Settings", shelf: "personas.Library") -> list["personas.Problem"]:
    """Return a warning for each persona and model whose room it fills by too much."""
    from server import prompting

    weighing = prompting.weighing(settings, prompting.prompts(b""))
    return [
        problem for name in shelf.names for problem in weighing.problems(shelf.compiled[name], str(shelf.files[name]))
    ]


def seen(
    settings: "Settings", compiled: "personas.Compiled", model: "Model"
) -> tuple[list[dict[str, str]], "Sequence[personas.Portion]"]:
    """Return what `model` gets when a new user says something to the persona today, and how much of it has room."""
    from datetime import UTC, datetime

    from personas import Message, Now, Session, Text, User, assemble, strict
    from server.adapters.tokens_tiktoken import TiktokenTokens
    from server.chat.prompts import context_line
    from server.core.context import divide

    at = now()
    day = datetime.fromtimestamp(at / 1_000_000, UTC)
    tokens = TiktokenTokens()
    session = Session(
        now=Now(date=f"{day:%Y-%m-%d}", weekday=f"{day:%A}", context=context_line(at)),
        count=lambda text: tokens.count(text, model.tokens),
        system_role=model.system_role,
        user=User(tier=settings.default_tier),
        room=divide(model, None).prompt,
    )
    newest = Message(role="user", content=(Text("(what the user says)"),))
    made = assemble(compiled, session, (), newest)
    told = strict(made.messages) if model.roles == "strict" else made.messages
    return [{"role": message.role, "content": message.text} for message in told], made.portions


_MOST_BYTES = 64 * 1024 * 1024


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise CommandError(f"{file} has more than {_MOST_BYTES} bytes. Import a smaller file.")
    return content


def _house_headings(known: "personas.Library") -> list[str]:
    house = known.compiled.get("house")
    return [passage.heading for passage in house.house if passage.heading] if house else []


def _model(settings: "Settings", alias: str | None) -> "Model":
    catalogue = settings.models_catalogue()
    if alias is not None and alias not in catalogue:
        raise CommandError(f"There is no model {alias}. Name one of: {', '.join(catalogue)}.")
    return catalogue[alias or settings.default_model]


def _folder(path: Path) -> Path:
    """Return the folder of personas that `path`, a file or a folder, belongs to."""
    if path.name == "persona.md":
        return path.parent.parent
    if path.is_file() or (path / "persona.md").is_file():
        return path.parent
    return path


async def _standings(settings: "Settings") -> "Mapping[str, Standing]":
    async with stores(settings) as opened:
        return await opened.releases.standings()


def _problem(problem: "personas.Problem") -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "cure": problem.cure,
    }
