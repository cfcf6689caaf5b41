"""What a newcomer does first: start it, talk to a persona, see it survive. With the real embedded model."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.processes import served

pytestmark = pytest.mark.model


async def parley(config: Path, *arguments: str, typed: str = "") -> str:
    """Run a command of `parley` and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "--config",
        str(config),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "100"},
    )
    out, _ = await asyncio.wait_for(process.communicate(typed.encode()), 120)
    assert process.returncode == 0, out
    return out.decode()


async def stored(address: str, key: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return all messages of the newest conversation, and the usage without its moment."""
    async with httpx.AsyncClient(base_url=address, headers={"authorization": f"Bearer {key}"}, timeout=30) as http:
        listed = (await http.get("/v1/conversations")).json()["data"]
        items = (await http.get(f"/v1/conversations/{listed[0]['id']}/items?order=asc")).json()["data"]
        usage = (await http.get("/v1/usage")).json()
    usage.pop("as_of")
    return items, usage


async def test_talk_kill_and_start_again(tmp_path: Path) -> None:
    """The terminal client streams a tutor's answer; after `kill -9` conversation and usage are as they were."""
    config = tmp_path / "parley.yaml"
    config.write_text(yaml.safe_dump({"data": str(tmp_path / "data"), "listen": "127.0.0.1:0"}))
    async with served(config) as (address, process):
        key = (await parley(config, "keys", "create", "--user", "ana", "--tier", "plus")).strip()
        said = await parley(
            config, "chat", "--url", address, "--key", key, "--persona", "socratic-tutor", typed="What is a prime?\n"
        )
        assert len(said.split()) >= 3
        items, usage = await stored(address, key)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    texts = ["".join(part["text"] for part in item["content"]) for item in items]
    assert texts[0] == "What is a prime?"
    assert texts[1].strip() in said
    assert next(row for row in usage["limits"] if row["id"] == "standard.messages")["used"] == 1
    async with served(config) as (address, _):
        assert await stored(address, key) == (items, usage)
        listed = json.loads(await parley(config, "personas", "list", "--json"))
    assert [row["revision"] for row in listed if row["name"] == "socratic-tutor"] == [1]
