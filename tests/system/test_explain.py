"""Why was I refused? Answered for operators, at the API and on the command line."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from server.core.records import Role
from tests.harness import House, house
from tests.system.test_caps import ask

ROOT = Path(__file__).parents[2]


async def command(running: House, *arguments: str, quiet: bool = True) -> str:
    """Run a command beside the server and return what it prints; a quiet one has nothing to remark."""
    config = running.settings.data.parent / "parley.yaml"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        *arguments,
        cwd=config.parent,
        env={**os.environ, "PARLEY_CONFIG": str(config), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, err if quiet else b"") == (0, b"")
    return out.decode()


async def test_why_a_user_is_refused(tmp_path: Path) -> None:
    """API and command name the cap, the requests in it with their models, the time, and the refusals of the day."""
    async with house(tmp_path) as running:
        key = await running.key("bo", "strict")
        for _ in range(2):
            assert (await ask(running, key))["status"] == 200
        refused = (await ask(running, key))["error"]
        assert (await ask(running, key))["status"] == 429
        async with running.http(await running.key("op", "plus", Role.OPERATOR)) as http, asyncio.timeout(20):
            why: dict[str, Any] = {"refused": []}
            while not why["refused"]:
                why = (await http.get("/admin/caps/explain", params={"user": "bo", "model": "gpt-4"})).json()
        assert (why["verdict"], why["next_at"], why["tier"]) == ("usage_cap_reached", refused["next_at"], "strict")
        cap = next(cap for cap in why["caps"] if cap["id"] == "gpt-4.messages")
        assert [entry["model"] for entry in cap["entries"]] == ["gpt-4", "gpt-4"]
        assert cap["entries"][0]["frees_at"] == refused["next_at"]
        (told,) = why["refused"]
        assert (told["code"], told["cap"], told["count"], told["model"]) == (
            "usage_cap_reached",
            "gpt-4.messages",
            2,
            "gpt-4",
        )
        shown = json.loads(await command(running, "caps", "explain", "bo", "gpt-4", "--json"))
        assert shown | {"as_of": why["as_of"]} == why
        text = await command(running, "caps", "explain", "bo", "gpt-4")
        assert "bo (tier strict) is refused gpt-4 until " in text
        assert "gpt-4.messages: 2 used and 0 running of 2 messages: refuses until " in text
        assert "usage_cap_reached" in await command(running, "users", "usage", "bo")
