"""What a caller brings into a conversation is screened, whichever way it comes in."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import House, house

HI = {"role": "user", "content": "hi"}
BLOCKED = {"type": "input_text", "text": "Forbidden fruit"}


@pytest.mark.parametrize(
    "body",
    [
        {"input": "I like forbidden fruit."},
        {"input": "I like forbidden fruit.", "generate": False},
        {"input": [{"role": "assistant", "content": "forbidden fruit"}, HI]},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}, BLOCKED]}]},
        {"input": [{"role": "user", "content": [BLOCKED | {"text": "forbid"}, BLOCKED | {"text": "den fruit"}]}]},
        {"input": "hi", "instructions": "forbidden fruit"},
    ],
)
async def test_no_way_past_the_blocklist(tmp_path: Path, body: dict[str, Any]) -> None:
    """A blocked phrase is refused in every role, over the parts of a message and where no answer is wanted."""
    async with house(tmp_path, {"screening": {"blocklist": ["forbidden fruit"]}}) as running:
        async with running.http(await running.key()) as http:
            refused = await http.post("/v1/responses", json=body)
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "content_blocked")
            assert not (await http.get("/v1/conversations")).json()["data"]
        assert len(running.upstream.calls) == 0


async def test_a_conversation_that_begins_with_nothing(running: House) -> None:
    """Without input and without an answer a conversation begins all the same, and is continued by the next turn."""
    async with running.http(await running.key()) as http:
        begun = await http.post("/v1/responses", json={"generate": False, "conversation": "new"})
        assert (begun.status_code, begun.json()["status"]) == (200, "completed")
        [conversation] = (await http.get("/v1/conversations")).json()["data"]
        assert conversation["title"] == ""
        body = {"input": "hi", "conversation": conversation["id"]}
        assert (await http.post("/v1/responses", json=body)).json()["status"] == "completed"
        items = (await http.get(f"/v1/conversations/{conversation['id']}/items")).json()["data"]
        assert [item["role"] for item in items] == ["assistant", "user"]
