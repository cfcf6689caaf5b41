"""Anything at all as the file of a persona that answers, beneath a server that runs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from personas import PersonaRefused, parse
from server.core.records import Role
from tests.harness import House, house
from tests.properties.spoilt import spoilt

NAME = "pilot"
GOOD = f"---\nspec: persona/1\nname: {NAME}\nsummary: Flies.\nstarters: [Up?]\n---\n\nYou fly.\n\n## Bounds\n\nStay.\n"
PATIENCE = 30
"""Seconds until a server that says nothing is taken for dead."""

some = settings(
    max_examples=min(settings().max_examples, 400) // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""Each example waits for the server to look at its files; all of them have one server."""


class Flying:
    """A server with a live persona, and beside it one that shows which state of the folder the server has seen."""

    def __init__(self, running: House, http: httpx.AsyncClient, folder: Path) -> None:
        self.file = folder / f"{NAME}.md"
        self.running, self.http = running, http
        self._folder = folder
        self._seen = 0

    async def put(self, content: bytes) -> None:
        """Write these bytes as the file of the persona, and wait until the server has looked."""
        self.file.write_bytes(content)
        self._seen += 1
        words = f"---\nspec: persona/1\nname: seen\nsummary: {self._seen} times.\n---\nYou count.\n"
        (self._folder / "seen.md").write_text(words, encoding="utf-8")
        while (await self.http.get("/v1/personas/seen")).json().get("summary") != f"{self._seen} times.":  # noqa: ASYNC110
            await asyncio.sleep(0)  # the server is in this loop

    async def lint(self, text: str) -> httpx.Response:
        return await self.http.post(f"/admin/personas/{NAME}/lint", json={"source": text})

    async def live(self) -> tuple[int, str]:
        """Return the revision that answers, and its text as it was written."""
        number = (await self.http.get(f"/v1/personas/{NAME}")).json()["revision"]
        return number, (await self.http.get(f"/admin/personas/{NAME}/revisions/{number}")).json()["source"]

    async def says(self) -> list[str]:
        """Let it answer, and return the instructions that the model got."""
        asked = {"model": f"persona:{NAME}", "input": "Hello", "store": False}
        answer = await self.http.post("/v1/responses", json=asked)
        assert answer.json()["status"] == "completed"
        first = self.running.upstream.calls[-1].messages[0]
        return [part.text for part in first.parts if hasattr(part, "text")]


@pytest.fixture
async def flying(tmp_path: Path) -> AsyncIterator[Flying]:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / f"{NAME}.md").write_text(GOOD, encoding="utf-8")
    async with (
        house(tmp_path, {"personas": [str(folder)]}) as running,
        running.http(await running.key(role=Role.OPERATOR)) as http,
    ):
        yield Flying(running, http, folder)


def is_persona(content: bytes) -> bool:
    """Return whether these bytes are a good file for this persona."""
    try:
        parse(content.decode(), source="p.md", name_hint=NAME)
    except (UnicodeDecodeError, PersonaRefused):
        return False
    return True


@some
@given(content=spoilt([GOOD.encode()]))
async def test_any_bytes_as_a_live_file(flying: Flying, content: bytes) -> None:
    """What is wrong is told with line and cure, the live revision goes on as it was, and the server lives."""
    async with asyncio.timeout(PATIENCE):
        await flying.put(GOOD.encode())
        before = await flying.live()
        assert before[1] == GOOD
        await flying.put(content)
        if is_persona(content):
            return
        assert await flying.live() == before
        assert "You fly." in "".join(await flying.says())
        text = content.decode(errors="replace")
        told = await flying.lint(text)
        problems = told.json()["data"]
        assert told.status_code == 200
        assert is_persona(text.encode()) or [one for one in problems if one["severity"] == "error"]
        assert all(one["line"] >= 1 and one["message"] and one["cure"] for one in problems)
