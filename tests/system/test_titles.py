"""Titles that a model writes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from server.adapters.script import parse
from server.chat.titling import title_line
from tests.harness import CONFIG, House, house

TITLED = {
    "titles": "writer",
    "models": CONFIG["models"] | {"writer": {"upstream": "mock", "id": "title", "context": 800}},
}


async def titles(one: House, key: str, question: str, *says: str) -> list[str]:
    """Begin a conversation and return the titles that a device which follows it is told."""
    one.scripts["title"] = replace(parse("t1"), chunks=says)
    create = {"type": "response.create", "model": "gpt-4-mini", "conversation": "new", "input": question}
    told: list[str] = []
    async with one.socket("/v1/responses?extensions=parley", key) as socket:
        await socket.send(json.dumps(create))
        while len(told) < 2:
            frame = json.loads(await socket.recv())
            if frame["type"] == "response.created":
                follow = {"type": "parley:follow", "conversation": frame["response"]["conversation"]["id"]}
                await socket.send(json.dumps(follow))
            elif frame["type"] == "parley:conversation" and "title" in frame:
                told.append(frame["title"])
                if told[-1] != question:
                    break
    return told


async def test_a_model_writes_the_title(tmp_path: Path) -> None:
    """Who follows the conversation sees it come; it costs the user nothing."""
    async with house(tmp_path, TITLED) as one:
        key = await one.key(tier="free")
        told = await titles(one, key, "Why is the sky blue?", '"The blue', ' of the sky"\n', "And more.")
        assert told[-1] == "The blue of the sky"
        async with one.http(key) as http:
            (row,) = (await http.get("/v1/conversations")).json()["data"]
            used = (await http.get("/v1/usage")).json()["limits"][1]["used"]
        assert (row["title"], used) == ("The blue of the sky", 1)
        asked = next(call for call in one.upstream.calls if call.model.alias == "writer")
        assert [line.role for line in asked.messages] == ["system", "user"]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("**Rain**", "Rain"),
        ("\n\n'A day at sea'\nSecond line", "A day at sea"),
        ("「天空为什么是蓝色」", "天空为什么是蓝色"),
        ("word " * 40, ("word " * 12).strip() + "…"),
        ("\n \n", ""),
    ],
)
def test_a_title_is_one_short_line(written: str, title: str) -> None:
    """What models put around it is taken off."""
    assert title_line(written) == title
