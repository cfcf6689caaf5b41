"""What the README and the documentation show is run as it is printed."""

import asyncio
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.core.errors import CATALOGUE
from server.core.records import Role
from server.settings import document, load
from tests.harness import CONFIG, House, house

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
ADDRESS = "127.0.0.1:8000"
NODE = shutil.which("node")


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def examples_of(page: Path) -> list[Example]:
    """Return the fenced blocks of a page that name their language."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Example(name, text.count("\n", 0, found.start()) + 1, found[2], textwrap.dedent(found[3]))
        for found in FENCE.finditer(text)
    ]


EXAMPLES = [example for page in PAGES for example in examples_of(page)]


def examples(language: str, *but: str) -> list[Any]:
    """Return the examples in a language as parameters of a test, without those of the pages `but`."""
    return [pytest.param(one, id=str(one)) for one in EXAMPLES if one.language == language and one.page not in but]


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[House]:
    """A server that has what the examples name: the models `local` and `gpt-4`, the tiers and the shipped personas."""
    models = CONFIG["models"] | {"local": {"upstream": "mock", "id": "t8", "context": 8000}}
    groups = CONFIG["groups"] | {"standard": [*CONFIG["groups"]["standard"], "local"]}
    caps = {"entitlement_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    async with house(tmp_path, {"models": models, "groups": groups, "caps": caps}) as one:
        yield one


async def ran(house: House, folder: Path, *command: str, more: Mapping[str, str] | None = None) -> str:
    """Run a command as somebody who has a key and works in `folder`; return what it prints."""
    environment = {
        **os.environ,
        "PARLEY_KEY": await house.key(),
        "PARLEY_DEVELOPER_KEY": await house.key("shop", role=Role.DEVELOPER),
        "PARLEY_URL": house.address,
        "PARLEY_CONFIG": str(folder / "parley.yaml"),
        "PYTHONPATH": str(ROOT),
        **(more or {}),
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, out.decode()
    return out.decode()


def test_every_example_is_checked() -> None:
    """No page shows an example in a language that no test reads."""
    readers = {"python", "js", "sh", "json", "yaml", "markdown"}
    assert {example.language for example in EXAMPLES} == readers
    # Whole personas are checked beside what reads them, in tests/unit/personas/test_docs.py.
    assert {example.page for example in EXAMPLES if example.language == "markdown"} == {"docs/personas.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A link from one page to another finds it."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    assert [link for link in LINK.findall(text) if not (page.parent / link).is_file()] == []


@pytest.mark.parametrize("example", examples("python"))
async def test_python_examples_run(shown: House, tmp_path: Path, example: Example) -> None:
    """A Python example ends by itself and prints the answer."""
    program = example.text.replace(ADDRESS, shown.address.removeprefix("http://"))
    assert " 0000 0001" in await ran(shown, tmp_path, sys.executable, "-W", "error", "-c", program)


@pytest.mark.skipif(NODE is None, reason="needs Node.js")
@pytest.mark.parametrize("example", examples("js"))
async def test_browser_examples_run(shown: House, tmp_path: Path, example: Example) -> None:
    """An example for a page connects, and is shown the conversation and the answer."""
    program = example.text.replace(ADDRESS, shown.address.removeprefix("http://"))
    program = program.replace('"sk-…"', json.dumps(await shown.key()))
    # A page stays open; a program must be told when it has seen enough.
    program += '\nsocket.addEventListener("message", ({ data }) => data.includes(".completed\\"") && socket.close());\n'
    (tmp_path / "page.mjs").write_text(program, encoding="utf-8")
    said = await ran(shown, tmp_path, str(NODE), "--experimental-websocket", "--no-warnings", "page.mjs")
    assert re.match(r"conv_\w+ 0000 0001", said.replace("\n", ""))


@pytest.mark.parametrize("example", examples("sh"))
async def test_shell_examples_run(shown: House, tmp_path: Path, example: Example) -> None:
    """Each command of a shell example succeeds, and no answer is an error."""
    if targets := re.findall(r"^make (\w+)", example.text, flags=re.MULTILINE):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert [target for target in targets if f"\n{target}:" not in makefile] == []
        return
    persona = next(one.text for one in EXAMPLES if one.language == "markdown")
    (tmp_path / "my-personas").mkdir()
    (tmp_path / "my-personas" / "gardener.md").write_text(persona, encoding="utf-8")
    script = example.text.replace(ADDRESS, shown.address.removeprefix("http://"))
    script = script.replace(".venv/bin/parley", f"{sys.executable} -m server")
    # An example for somebody else's server is only read by the shell.
    options = "-nc" if "$BASE_URL" in script else "-euc"
    said = await ran(shown, tmp_path, "bash", options, script)
    assert '"error"' not in said


def is_sent(parameter: Any) -> bool:
    """Return whether a JSON example is a frame that a client sends."""
    return "response.create" in parameter.values[0].text


@pytest.mark.parametrize("example", [*filter(is_sent, examples("json"))])
async def test_frames_are_answered(shown: House, example: Example) -> None:
    """A frame that the pages tell clients to send gets an answer, in its lane."""
    async with shown.socket("/v1/responses", await shown.key()) as socket:
        await socket.send(example.text)
        events = [json.loads(await socket.recv())]
        while events[-1]["type"] not in {"response.completed", "error"}:
            events.append(json.loads(await socket.recv()))
    assert events[-1]["type"] == "response.completed"
    assert events[-1].get("stream_id") == json.loads(example.text).get("stream_id")


def is_told(parameter: Any) -> bool:
    """Return whether a JSON example is a frame that followers of a conversation are told."""
    return "parley:conversation" in parameter.values[0].text


@pytest.mark.parametrize("example", [*filter(is_told, examples("json"))])
async def test_followers_are_told_what_is_shown(shown: House, example: Example) -> None:
    """A frame that the pages show followers has the members that the server sends, each of the same kind."""
    expected = json.loads(example.text)
    create = {"type": "response.create", "model": "gpt-4", "conversation": "new", "generate": False, "input": "Hi"}
    door, key = "/v1/responses?extensions=parley", await shown.key()
    async with shown.socket(door, key) as desk, shown.socket(door, key) as phone:
        await desk.send(json.dumps(create))
        conversation = json.loads(await desk.recv())["response"]["conversation"]["id"]
        await phone.send(json.dumps({"type": "parley:follow", "conversation": conversation}))
        assert json.loads(await phone.recv())["event"] == "followed"
        await desk.send(json.dumps(create | {"conversation": conversation, "generate": True, "parent": None}))
        told = json.loads(await phone.recv())
        while told.get("event") != expected["event"]:
            told = json.loads(await phone.recv())
    assert kinds(told) == kinds(expected)
    (said,), (written,) = told["input"], expected["input"]
    del written["…"]
    assert {name: kinds(said[name]) for name in written} == {name: kinds(one) for name, one in written.items()}


def kinds(value: Any) -> Any:
    """Return the names and the JSON types of what is in an object, or the JSON type of anything else."""
    return {name: type(one) for name, one in value.items()} if isinstance(value, dict) else type(value)


def is_error(parameter: Any) -> bool:
    """Return whether a JSON example is an error, or a frame that has one."""
    return not (is_sent(parameter) or is_told(parameter))


@pytest.mark.parametrize("example", [*filter(is_error, examples("json"))])
def test_errors_are_those_of_the_catalogue(example: Example) -> None:
    """An error that the pages show has the type and the status that its code has."""
    shown = json.loads(example.text)
    known = CATALOGUE[shown["error"]["code"]]
    assert (shown["error"]["type"], shown.get("status", known.status)) == (known.type, known.status)


# Those of the configuration's own page are complete, and tests/unit/server/test_settings.py loads them as they stand;
# those of docs/personas.md are front matter, for tests/unit/personas/test_docs.py.
@pytest.mark.parametrize("example", examples("yaml", "docs/configuration.md", "docs/personas.md"))
def test_configuration_examples_load(tmp_path: Path, example: Example) -> None:
    """An excerpt of a configuration loads, once what it leaves out is there."""
    whole = next(one.text for one in EXAMPLES if one.page == "docs/configuration.md" and one.language == "yaml")
    values = document.parse(whole, "whole.yaml").values
    known = {key: values[key] for key in ("upstreams", "models")}
    shown = document.parse(example.text, example.page).values
    models = list((known | shown)["models"])
    rest = {"default_model": models[0], "groups": {"standard": models}}
    file = tmp_path / "parley.yaml"
    file.write_text(yaml.safe_dump(known | rest | shown), encoding="utf-8")
    settings = load(file, {"OPENAI_API_KEY": "k", "OTHER_API_KEY": "k"})
    assert settings.warnings() == []
