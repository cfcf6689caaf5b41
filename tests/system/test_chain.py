"""An upstream over real HTTP: one server answers by script, another one calls it as any OpenAI-compatible provider."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness import CONFIG, House, house

WHOLE = "".join(f" {index:04d}" for index in range(40))


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """The server that clients see, and the provider behind it."""
    (tmp_path / "provider").mkdir()
    (tmp_path / "front").mkdir()
    async with house(tmp_path / "provider") as provider:
        key = await provider.key(user="front", tier="plus")
        changes = {
            "upstreams": {
                "dead": {"base_url": "http://127.0.0.1:9/v1", "api_key": "x", "retries": 0},
                "mock": {"base_url": f"{provider.address}/v1", "api_key": key, "retries": 0},
            },
            "models": {
                name: {"upstreams": ["dead", "mock"], "id": name, "context": 8000}
                for name in ("gpt-4", "gpt-4-mini", "dropped", "broken")
            },
            "groups": {"standard": ["gpt-4-mini"]},
            "tiers": {"plus": dict.fromkeys(("gpt-4", "gpt-4-mini", "dropped", "broken"), "unlimited")},
            "default_tier": "plus",
        }
        async with house(tmp_path / "front", CONFIG | changes, real_upstreams=True) as front:
            yield front, provider


async def test_text_passes_unchanged_and_a_dead_upstream_is_passed_over(chain: tuple[House, House]) -> None:
    """A plain socket's chunks join to the provider's text, though the first upstream of the alias is dead."""
    front, provider = chain
    async with front.socket("/v1/chat/completions", await front.key()) as socket:
        await socket.send(json.dumps({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]}))
        text, finish = "", None
        while finish is None:
            choice = json.loads(await socket.recv())["choices"][0]
            text += choice["delta"].get("content") or ""
            finish = choice["finish_reason"]
    assert (text, finish) == (WHOLE, "stop")
    assert len(provider.upstream.calls) == 1


async def test_usage_is_what_the_provider_says(chain: tuple[House, House]) -> None:
    """Tokens that the provider reports are those that the client is told."""
    front, _ = chain
    async with front.http(await front.key()) as http:
        body = {"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]}
        usage = (await http.post("/v1/chat/completions", json=body)).json()["usage"]
    assert usage["completion_tokens"] == 40


async def test_an_upstream_that_dies_in_mid_answer(chain: tuple[House, House]) -> None:
    """What arrived is stored, the turn has failed with a documented error, and the message is not charged."""
    front, _ = chain
    key = await front.key()
    async with front.socket("/v1/responses", key) as socket:
        await socket.send(json.dumps({"type": "response.create", "model": "dropped", "input": "hi"}))
        text = ""
        while True:
            event = json.loads(await socket.recv())
            text += event.get("delta", "") if event["type"] == "response.output_text.delta" else ""
            if event["type"] in {"response.failed", "response.completed", "error"}:
                break
    assert event["type"] == "response.failed"
    assert event["response"]["error"]["code"] == "server_error"
    assert text == WHOLE[:50]
    async with front.http(key) as http:
        stored = (await http.get(f"/v1/responses/{event['response']['id']}")).json()
    assert stored["output"][0]["content"][0]["text"] == text
    assert stored["output"][0]["status"] == "incomplete"


async def test_a_provider_that_fails_before_the_first_token(chain: tuple[House, House]) -> None:
    """The client gets a status of the catalogue, and no half answer."""
    front, _ = chain
    async with front.http(await front.key()) as http:
        body = {"model": "broken", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_unavailable"
