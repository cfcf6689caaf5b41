"""What answers follows files and labels: on a real database and real files, looked at when the test says so."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from server.adapters import database
from server.adapters.persona_files import FolderPersonas
from server.adapters.releases_sql import SqlReleases
from server.adapters.revisions_sql import SqlRevisions
from server.adapters.wakeups_memory import MemoryWakeups
from server.chat.catalogue import Catalogue
from server.chat.persona_files import Files, Linted
from server.chat.reloading import Reloading
from server.core.errors import Refused
from server.core.ports import Happened
from server.core.requests import TurnRequest
from tests.unit.server.chat.cast import MODELS, actor
from tests.unit.server.edge.backstage import Ticks

PILOT = TurnRequest(items=(), persona="pilot")


def text(body: str) -> str:
    return f"---\nspec: persona/1\nname: pilot\nsummary: Flies.\n---\n\n{body}\n"


def write(file: Path, content: str) -> None:
    file.write_text(content)


class Node:
    """One node's catalogue, and what keeps it in step."""

    def __init__(self, folder: Path, base: database.SqliteDatabase, **changes: Any) -> None:
        self.happened: list[Happened] = []
        self.news = asyncio.Event()
        self.releases = SqlReleases(base)
        self.catalogue = Catalogue(
            models=MODELS,
            groups={},
            default_model="small",
            default_persona="assistant",
            revisions=SqlRevisions(base),
        )
        self.reloading = Reloading(
            files=FolderPersonas([folder / "personas"]),
            revisions=SqlRevisions(base),
            releases=self.releases,
            catalogue=self.catalogue,
            wakeups=MemoryWakeups(),
            observer=self,
            clock=Ticks(),
            **changes,
        )

    def saw(self, happened: Happened) -> None:
        self.happened.append(happened)
        self.news.set()

    async def heard(self, name: str) -> None:
        """Wait until it tells this."""
        while name not in [happened.name.value for happened in self.happened]:
            self.news.clear()
            await self.news.wait()

    @property
    def told(self) -> list[str]:
        """What it told since the last time it was asked."""
        told = [happened.name.value for happened in self.happened]
        self.happened.clear()
        return told

    async def says(self) -> str:
        """Return the body of who answers as pilot."""
        speaker = (await self.catalogue.choose(actor(), PILOT, None)).speaker
        return "".join(passage.text for passage in speaker.compiled.body)


class Failing:
    """Files on a disk that is gone."""

    async def changed(self) -> bool:
        raise OSError("gone")

    async def read(self, held: Mapping[str, str]) -> Files:
        raise NotImplementedError

    async def lint(self, persona: str, source: str) -> Linted:
        raise NotImplementedError


@pytest.fixture
def base(tmp_path: Path) -> Iterator[database.SqliteDatabase]:
    database.migrate(tmp_path / database.FILE)
    base = database.SqliteDatabase(tmp_path / database.FILE)
    yield base
    base.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The pilot's file."""
    (tmp_path / "personas").mkdir()
    file = tmp_path / "personas" / "pilot.md"
    write(file, text("You fly."))
    return file


@pytest.fixture
async def node(tmp_path: Path, base: database.SqliteDatabase, file: Path) -> Node:
    node = Node(tmp_path, base)
    await node.reloading.read()
    return node


async def test_a_changed_file_answers_at_the_next_look(node: Node, file: Path) -> None:
    """New turns get what the file holds, and the log says so."""
    assert await node.says() == "You fly."
    assert node.told == []
    write(file, text("You soar."))
    await node.reloading.look()
    assert (await node.says(), node.told) == ("You soar.", ["persona_reloaded"])
    await node.reloading.look()
    assert node.told == []


async def test_a_broken_file_changes_nothing(node: Node, file: Path) -> None:
    """The last good revision goes on, what is wrong is told once, and the next good content is taken."""
    write(file, "---\nspec: persona/1\nname: pilot\n")
    await node.reloading.look()
    assert (await node.says(), set(node.told)) == ("You fly.", {"persona_problem"})
    write(file.parent / "other.md", text("Other.").replace("pilot", "other"))
    await node.reloading.look()
    assert node.told == ["persona_reloaded"]
    write(file, text("You glide."))
    await node.reloading.look()
    assert await node.says() == "You glide."


async def test_a_broken_file_outlives_a_restart(tmp_path: Path, base: Any, node: Node, file: Path) -> None:
    """A node that starts with a broken file lets the last good revision answer."""
    write(file, "broken")
    again = Node(tmp_path, base)
    await again.reloading.read()
    assert await again.says() == "You fly."
    assert "persona_problem" in again.told


async def test_a_file_that_never_was_good(node: Node, file: Path) -> None:
    """Where nothing is live the errors are told to who asks."""
    write(file.parent / "sick.md", "broken")
    await node.reloading.look()
    with pytest.raises(Refused) as refused:
        await node.catalogue.choose(actor(), TurnRequest(items=(), persona="sick"), None)
    assert refused.value.code == "persona_invalid"


async def test_a_label_that_anybody_moved_is_followed(tmp_path: Path, base: Any, node: Node, file: Path) -> None:
    """What one process decides, another one sees at its next look."""
    other = Node(tmp_path, base)
    await other.reloading.read()
    write(file, text("You soar."))
    await node.reloading.look()
    await other.reloading.look()
    await other.releases.roll_back("pilot", recall=False, by="cli", now=10**18)
    assert await node.says() == "You soar."
    await node.reloading.look()
    assert await node.says() == "You fly."


async def test_an_edit_in_the_console_is_not_lost_to_a_file(node: Node, base: Any, file: Path) -> None:
    """The file's new content becomes a draft, and the log says that it was held back."""
    files = FolderPersonas([file.parent])
    draft = (await files.lint("pilot", text("From the console."))).draft
    assert draft
    revision = await SqlRevisions(base).add(draft, origin="console", author="op", note="", now=1)
    await node.releases.move("pilot", "live", revision.number, by="op", now=10**18)
    write(file, text("From the file."))
    await node.reloading.look()
    assert (await node.says(), node.told) == ("From the console.", ["persona_held_back"])
    assert (await node.releases.standings())["pilot"].labels == {"live": 2, "draft": 3}


async def test_a_gate_holds_for_files_too(tmp_path: Path, base: Any, file: Path) -> None:
    """Content that the gate vetoes is a draft, and what answered goes on."""

    async def gate(persona: str, digest: str) -> str | None:
        return "not tested" if persona == "pilot" and shut else None

    shut = False
    node = Node(tmp_path, base, gate=gate)
    await node.reloading.read()
    shut = True
    write(file, text("You soar."))
    await node.reloading.look()
    assert (await node.says(), node.told) == ("You fly.", ["persona_held_back"])


async def test_it_looks_by_itself(tmp_path: Path, base: Any, file: Path) -> None:
    """Within its context it looks again and again; a look that fails is told and followed by the next one."""
    node = Node(tmp_path, base)
    await node.reloading.read()
    good, node.reloading._files = node.reloading._files, Failing()
    async with asyncio.timeout(20), node.reloading:
        await node.heard("reload_failed")
        node.reloading._files = good
        write(file, text("You soar."))
        await node.heard("persona_reloaded")
    assert "reload_failed" in node.told
