"""`make cluster`: several nodes for development, with all that they need."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.services

CONFIG = {
    "upstreams": {"mock": {"scripted": True}},
    "models": {"quick": {"upstream": "mock", "id": "t4", "context": 8000}},
    "default_model": "quick",
    "groups": {},
    "tiers": {"free": {"quick": "40 messages / 3h"}},
    "default_tier": "free",
}


async def test_two_nodes_start_answer_and_leave_nothing_behind(tmp_path: Path) -> None:
    """The printed key works on every printed address, both know every answer, and Ctrl-C ends all that was started."""
    config = tmp_path / "parley.yaml"
    config.write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    command = [sys.executable, str(ROOT / "deploy" / "cluster.py"), "--config", str(config), "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, cwd=ROOT, start_new_session=True
    )
    assert process.stdout
    said = ""
    try:
        while "Ctrl-C stops" not in said:
            line = (await asyncio.wait_for(process.stdout.readline(), 120)).decode()
            assert line, said
            said += line
        started = psutil.Process(process.pid).children(recursive=True)
        first, second = re.findall(r"node \d: (http://\S+)", said)
        found = re.search(r"key: +(\S+)", said)
        assert found
        headers = {"authorization": f"Bearer {found[1]}"}
        async with httpx.AsyncClient(headers=headers, timeout=30) as http:
            answer = await http.post(f"{first}/v1/responses", json={"input": "hi"})
            assert answer.status_code == 200, answer.text
            again = await http.get(f"{second}/v1/responses/{answer.json()['id']}")
            assert again.json()["output"] == answer.json()["output"]
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 60) == 0
        gone, _ = psutil.wait_procs(started, timeout=10)
        assert len(started) >= 3
        assert len(gone) == len(started)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.wait()
