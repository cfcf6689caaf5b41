"""The persona that uses every field of the format, served."""

import asyncio
import re
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

from server.adapters.script import Script
from server.core.records import TextPart
from tests.harness import CONFIG, house

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests" / "golden" / "example"
SERVED: dict[str, Any] = {
    "models": CONFIG["models"]
    | {"deep": {"upstream": "mock", "id": "deep", "context": 8000, "system_role": "developer"}},
    "tiers": CONFIG["tiers"] | {"plus": CONFIG["tiers"]["plus"] | {"deep": "unlimited"}},
    "personas": ["personas"],
}


async def parley(folder: Path, *command: str) -> str:
    """Run a command with the configuration of a folder; return what it prints."""
    words = (sys.executable, "-m", "server", "--config", str(folder / "parley.yaml"), *command)
    ran = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    said, _ = await ran.communicate()
    assert ran.returncode == 0, said
    return said.decode()


async def test_the_example_answers(tmp_path: Path) -> None:
    """What an author wrote in any field has its effect on what is shown and on what the model gets."""
    shutil.copytree(EXAMPLE, tmp_path / "personas")
    async with house(tmp_path, SERVED) as running:
        running.scripts["deep"] = Script(chunks=["What does", " a determinant measure?"])
        async with running.http(await running.key("Ada")) as http:
            card = (await http.get("/v1/personas/socratic-tutor")).json()
            assert (card["title"], card["needs"], len(card["starters"])) == ("Socratic Tutor", ["vision"], 3)
            assert card["notes"] == {"max_chars": 600, "label": "Anything your tutor should know?"}
            asked = {
                "model": "persona:socratic-tutor",
                "input": "Is this matrix singular?",
                "instructions": "I like pictures.",
                "prompt": {"id": "socratic-tutor", "variables": {"patience": "gentle"}},
                "greeting": 0,
            }
            answer = (await http.post("/v1/responses", json=asked)).json()
            assert answer["output"][0]["content"][0]["text"] == "What does a determinant measure?"
            wrong = await http.post(
                "/v1/responses", json=asked | {"prompt": {"id": "socratic-tutor", "variables": {"patience": "none"}}}
            )
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "invalid_dial")
        async with running.http(await running.key("bob", "free")) as http:
            refused = await http.post("/v1/responses", json=asked)
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "persona_not_allowed")
    [call] = running.upstream.calls
    assert (call.model.alias, call.sampling.temperature, call.sampling.max_output_tokens) == ("deep", 0.4, 900)
    texts = [
        (line.role, "".join(part.text for part in line.parts if isinstance(part, TextPart))) for line in call.messages
    ]
    assert [role for role, _ in texts] == ["developer", "user", "assistant", "assistant", "user", "user"]
    instructions, asks, shows, greets, notes, newest = (text for _, text in texts)
    assert "Keep to a gentle pace, and pitch your language at school level." in instructions
    assert "{" not in instructions
    assert asks.startswith("Just tell me")
    assert shows.startswith("Let's get you there.")
    assert greets == "Hello Ada. What are you working on, and where did it stop making sense?"
    assert notes.endswith('\n"I like pictures."')
    assert "The determinant of a square matrix" in newest
    assert newest.endswith("Is this matrix singular?")


async def test_the_first_persona_of_the_documentation_answers(tmp_path: Path) -> None:
    """What `docs/personas.md` has a newcomer write in five minutes is checked, shown and served as it promises."""
    page = (ROOT / "docs" / "personas.md").read_text(encoding="utf-8")
    written = re.search(r"^ *```markdown\n(.*?)^ *```$", page, flags=re.MULTILINE | re.DOTALL)
    assert written
    (tmp_path / "my-personas").mkdir()
    (tmp_path / "my-personas" / "gardener.md").write_text(textwrap.dedent(written[1]), encoding="utf-8")
    async with house(tmp_path, {"personas": ["./my-personas"]}) as running:
        for command in ("personas lint", "personas show gardener --as-model-sees"):
            assert f"`parley {command}`" in page
        await parley(tmp_path, "personas", "lint")
        shown = await parley(tmp_path, "personas", "show", "gardener", "--as-model-sees")
        assert "You are a gardener of forty years." in shown
        asked: dict[str, Any] = {"model": "persona:gardener", "input": "Hello"}
        asked["prompt"] = {"id": "gardener", "variables": {"soil": "clay"}}
        async with running.http(await running.key("Ada")) as http:
            assert (await http.post("/v1/responses", json=asked)).json()["status"] == "completed"
    [call] = running.upstream.calls
    [first, *_] = call.messages[0].parts
    assert isinstance(first, TextPart)
    assert "The garden has clay soil" in first.text


async def test_a_shipped_persona_answers_in_the_language_of_the_client(tmp_path: Path) -> None:
    """The greeting that a Chinese reader was shown is the one in the history; the instructions name the language."""
    async with house(tmp_path) as running, running.http(await running.key("Ada")) as http:
        http.headers["accept-language"] = "zh-CN,zh;q=0.9"
        [shown] = (await http.get("/v1/personas/assistant")).json()["greetings"]
        asked = {"model": "persona:assistant", "input": "复利是什么", "greeting": 0}
        assert (await http.post("/v1/responses", json=asked)).status_code == 200
    [call] = running.upstream.calls
    texts = ["".join(part.text for part in line.parts if isinstance(part, TextPart)) for line in call.messages]
    assert shown.startswith("你好")
    assert "Ada" in shown
    assert shown in texts
    assert "Reply in the person's language (zh-CN)" in texts[0]
    assert "Compound interest" in texts[-1]
