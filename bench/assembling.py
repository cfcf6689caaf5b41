"""How quick personas are: `python -m bench.assembling [COUNT]`, in CPU time of the process, best of several.

Assembles a conversation of 20 turns with knowledge, warm and for the first time in a process, without counting tokens;
then loads COUNT (10,000) personas under one house, from what the database stores of them and from files: plain ones,
of a page, and ones like those of the catalog, with knowledge and translations; last, what a server does with files at
its first start, which stores them in SQLite, and at one after that. Each load has a process of its own, whose memory is
counted beside what the program takes alone.
"""

import asyncio
import gc
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from personas import CATALOG, Compiled, Library, Message, Now, Session, Text, User, assemble, compose, parse
from server.adapters import database
from server.adapters.persona_files import FolderPersonas
from server.adapters.releases_sql import SqlReleases
from server.adapters.revisions_sql import SqlRevisions
from server.core.ports_operator import LIVE

ENTRIES, TURNS = 40, 20
PERSONA = """\
---
spec: persona/1
name: guide
summary: S.
greeting: Hello {{ user.name }}.
reminder: Stay with the subject.
bounds:
  notes: {}
  dials: { pace: { choices: [slow, fast], default: slow }, topic: { text: {}, default: rows } }
examples:
  - { user: What is a row?, assistant: A line of numbers. }
knowledge:
  entries:
"""
ENTRY = (
    '    - {{ when: [{word}, {word}s], text: "What is worth knowing about {word}, in a line that goes on a while." }}\n'
)
PLAIN = """\
---
spec: persona/1
name: guide-{index}
title: Guide {index}
summary: Leads people through the old town, house by house.
greeting: Hello. Where shall we begin?
starters: [Who built the bridge?, Where does one eat well?]
bounds:
  locked: [Bounds]
  dials:
    pace: {{ choices: [slow, brisk], default: slow, label: Pace }}
---

You lead people through the old town, and this is tour number {index}.

## How you speak

Tell one house at a time, at a {{{{ dials.pace }}}} pace: who lived there, what happened, what can still be seen.

## Bounds

Stay with the town. Say so when a story is only a story.
"""
Kind = Literal["plain", "catalog"]
BODY = "---\nYou guide {{ user.name }} at a {{ dials.pace }} pace through {{ dials.topic }}.\n\n## How\n\nBriefly.\n"


def conversation() -> tuple[Compiled, Session, list[Message], Message]:
    """Return a persona of 40 entries, of which 5 are called, and 20 turns of about 600 characters with it."""
    words = ["matrix", "vector", "kernel", "image", "basis", *(f"word{index}" for index in range(ENTRIES - 5))]
    text = PERSONA + "".join(ENTRY.format(word=word) for word in words) + BODY
    house = parse((CATALOG / "house.md").read_text(encoding="utf-8"), source="house.md")
    compiled = compose(parse(text, source="guide.md"), {"house": house})
    session = Session(
        now=Now(date="2026-11-23", weekday="Monday", context="<context>2026-11-23 14:05 UTC</context>"),
        count=lambda _: 20,
        user=User(name="Ada", locale="en-GB", tier="plus"),
        dials={"topic": "rows and columns"},
        notes="I like pictures.",
        greeting=0,
        marker="amber walnut 3f9c12",
        room=8000,
    )
    history = []
    for _ in range(TURNS - 1):
        history.append(
            Message("user", (Text("<context>2026-11-23 14:04 UTC</context>\n"), Text("And what of it? " * 8)))
        )
        history.append(Message("assistant", (Text("Look at the first row, then at the next. " * 10),)))
    history[-2] = Message("user", (Text("How do vector, kernel, image and basis belong together?"),))
    return compiled, session, history, Message("user", (Text("And what has the matrix to do with it?"),))


def cold() -> float:
    """Return milliseconds of the first assembly of this process."""
    compiled, session, history, newest = conversation()
    began = time.process_time()
    made = assemble(compiled, session, history, newest)
    took = time.process_time() - began
    lines = made.newest.content[1]
    assert isinstance(lines, Text)  # noqa: S101  # else it measures something else
    assert lines.text.count("\n") == 6  # noqa: S101
    return took * 1e3


def warm() -> float:
    """Return microseconds of an assembly, the best of ten hundreds."""
    compiled, session, history, newest = conversation()

    def hundred() -> float:
        began = time.process_time()
        for _ in range(100):
            assemble(compiled, session, history, newest)
        return (time.process_time() - began) / 100

    return min(hundred() for _ in range(10)) * 1e6


def texts(count: int, kind: Kind) -> Sequence[tuple[str, str]]:
    """Return names and texts of personas, no two alike: plain ones, or like those of the catalog."""
    if kind == "plain":
        return [(f"guide-{index}", PLAIN.format(index=index)) for index in range(count)]
    found = sorted(CATALOG.glob("*/persona.md"))
    shipped = [(file.parent.name, file.read_text(encoding="utf-8")) for file in found]
    chosen = (shipped[index % len(shipped)] for index in range(count))
    return [
        (f"{name}-{index}", text.replace(f"name: {name}\n", f"name: {name}-{index}\n", 1) + f"\nNumber {index}.\n")
        for index, (name, text) in enumerate(chosen)
    ]


def from_database(count: int, kind: Kind) -> tuple[float, float]:
    """Return seconds and megabytes of reading `count` compiled personas."""
    house = parse((CATALOG / "house.md").read_text(encoding="utf-8"), source="house.md")
    few = [compose(parse(text, source=name), {"house": house}).to_json() for name, text in texts(48, kind)]
    stored = (few[index % 48].replace('"name":"', f'"name":"p{index}-', 1) for index in range(count))
    return _measured(lambda: [Compiled.from_json(text) for text in stored])


def from_files(count: int, kind: Kind) -> tuple[float, float]:
    """Return seconds and megabytes of reading and composing `count` files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts(count, kind):
            Path(folder, f"{name}.md").write_text(text, encoding="utf-8")
        Path(folder, "house.md").write_text((CATALOG / "house.md").read_text(encoding="utf-8"), encoding="utf-8")
        return _measured(lambda: _loaded(Path(folder), count))


def at_first_start(count: int, kind: Kind) -> tuple[float, float]:
    """Return seconds and megabytes of reading `count` files, storing them, and reading what is to answer."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts(count, kind):
            Path(folder, f"{name}.md").write_text(text, encoding="utf-8")
        database.migrate(Path(folder, database.FILE))
        return _measured(lambda: asyncio.run(_started(Path(folder))))


async def _started(folder: Path) -> Sequence[Compiled]:
    async with database.opened(folder / database.FILE) as base:
        releases, revisions = SqlReleases(base), SqlRevisions(base)
        files = await FolderPersonas([folder]).read(await releases.held())
        await releases.take_files(files.drafts, vetoed=(), now=0)
        del files
        live = {(name, one.labels[LIVE]) for name, one in (await releases.standings()).items()}
        return [Compiled.from_json(revision.compiled) for revision in await revisions.some(live)]


def from_checked_files(count: int, kind: Kind) -> tuple[float, float]:
    """Return seconds and megabytes of a server's look at `count` files that were checked before it started."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts(count, kind):
            Path(folder, f"{name}.md").write_text(text, encoding="utf-8")
        record = Path(folder, ".record")
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            held = pool.apply(_read, (folder, record, {}))
        with context.Pool(1) as pool:
            return pool.apply(_read_again, (folder, record, held))


def _read(folder: str, record: Path, held: Mapping[str, str]) -> Mapping[str, str]:
    """Return the digest of everything that is read."""
    files = asyncio.run(FolderPersonas([Path(folder)], record=record).read(held))
    return {draft.persona: draft.digest for draft in files.drafts}


def _read_again(folder: str, record: Path, held: Mapping[str, str]) -> tuple[float, float]:
    files = FolderPersonas([Path(folder)], record=record)
    took, used = _measured(lambda: (files, asyncio.run(files.read(held))))
    if _read(folder, record, held):
        raise RuntimeError("something was read again")
    return took, used


def _loaded(folder: Path, count: int) -> Library:
    library = Library.load([folder])
    if len(library.names) != count:
        raise RuntimeError(library.problems[:3])
    return library


def _measured(load: Callable[[], object]) -> tuple[float, float]:
    gc.collect()
    before, began = _megabytes(), time.process_time()
    kept = load()
    took = time.process_time() - began
    used = _megabytes() - before
    del kept
    return took, used


def _megabytes() -> float:
    """Return what this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 1e6


def main(count: int) -> None:
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        print(f"assemble 20 turns, {ENTRIES} entries  warm  {pool.apply(warm):8.0f} us   (goal: 300)")
        print(f"                              first {min(pool.apply(cold) for _ in range(5)):8.2f} ms   (goal: 3)")
        apart = {"stored": from_database, "files": from_files, "first start": at_first_start}
        loads = {what: partial(pool.apply, load) for what, load in apart.items()}
        loads["next start"] = lambda arguments: from_checked_files(*arguments)
        for what, load in loads.items():
            for kind in get_args(Kind):
                seconds, memory = min(load((count, kind)) for _ in range(2))
                shown = f"{kind}, {what}"
                print(f"load {count:,} {shown:<20}  {seconds:8.2f} s    {memory:5.0f} MB   (goal: 2 s, 100 MB)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
