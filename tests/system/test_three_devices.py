"""Two tabs and the terminal on one conversation, through two nodes."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
import websockets

from tests.nodes import nodes
from tests.system.test_nodes import EXTENDED, send, until

pytestmark = pytest.mark.services


async def test_all_see_the_same_words_and_one_stop_stops_all(tmp_path: Path) -> None:
    """What the terminal asks on one node is followed by a tab on each; a stop in one tab ends all three alike."""
    async with nodes(tmp_path) as house:
        key = await house.key()
        async with house[0].socket(EXTENDED, key) as near, house[1].socket(EXTENDED, key) as far:
            await send(near, "response.create", model="quick", input="Hello", conversation="new")
            conversation = (await until(near, "response.completed"))[1]["response"]["conversation"]["id"]
            for tab in (near, far):
                await send(tab, "parley:follow", conversation=conversation)
                await until(tab, "parley:conversation")

            house.provider.hold("t60-d20", 10)
            terminal = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server", "chat", "--url", house[0].address, "--key", key),
                *("--model", "breaking", "--conversation", conversation),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            talking = asyncio.create_task(terminal.communicate(b"Go on.\n"))
            told = [(await until(tab, "parley:conversation"))[1] for tab in (near, far)]
            assert [turn["input"][0]["content"][0]["text"] for turn in told] == ["Go on.", "Go on."]
            texts = [await _ten_words(tab) for tab in (near, far)]
            await send(far, "parley:cancel", response_id=told[0]["response_id"])
            ends = [(await until(tab, "response.incomplete"))[1]["response"] for tab in (near, far)]
            out, err = await asyncio.wait_for(talking, 60)
    said = "".join(f" {index:04d}" for index in range(10))
    assert texts == [said, said]
    assert [end["status"] for end in ends] == ["cancelled", "cancelled"]
    assert [end["output"][0]["content"][0]["text"] for end in ends] == [said, said]
    assert said in out.decode(), err.decode()
    assert house.provider.aborted == 1


async def _ten_words(tab: websockets.ClientConnection) -> str:
    text = ""
    while len(text) < 50:
        text += json.loads(await asyncio.wait_for(tab.recv(), 30)).get("delta", "")
    return text
