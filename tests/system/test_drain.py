"""A server that is told to stop: what runs is finished, and nothing new begins."""

import httpx
import pytest

from server.adapters.script import Script
from tests.harness import House


async def test_http_answers_that_run_are_finished_and_new_ones_refused(running: House) -> None:
    """An answer over HTTP is whole though the server was told to stop; who asks meanwhile is told to come back."""
    running.scripts["free"] = Script(chunks=[f" {number}" for number in range(50)], delay=0.02)
    body = {"model": "free", "messages": [{"role": "user", "content": "Count."}], "stream": True}
    async with (
        running.http(await running.key()) as http,
        http.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        running.server.should_exit = True
        while (await http.get("/readyz")).status_code == httpx.codes.OK:
            pass
        refused = await http.post("/v1/chat/completions", json=body)
        rest = [line async for line in lines if line]
    assert (refused.json()["error"]["code"], refused.headers["retry-after"]) == ("draining", "1")
    assert " 49" in "".join(rest)
    assert rest[-1] == "data: [DONE]"


async def test_who_asks_twice_does_not_wait(running: House) -> None:
    """A second Ctrl-C ends the drain: what runs is not finished, and what is open is closed all the same."""
    body = {"model": "slow", "input": "Count.", "stream": True}
    async with (
        running.http(await running.key()) as http,
        http.stream("POST", "/v1/responses", json=body) as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        running.server.should_exit = running.server.force_exit = True
        seen = list[str]()
        with pytest.raises(httpx.RemoteProtocolError):
            seen.extend([line async for line in lines if "response.completed" in line])
    assert seen == []
