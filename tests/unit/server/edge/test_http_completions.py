"""`/v1/chat/completions` over HTTP."""

import json

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.requests import TurnRequest
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World, answering, failing
from tests.unit.server.edge.stories import FAILED

CHAT = {"messages": [{"role": "user", "content": "hi"}]}


def test_a_completion() -> None:
    """A POST without `stream` is answered by one object of the SDK's type, with the headers of the caps."""
    world = answering("Hel", "lo")
    world.turns.headers = {"x-ratelimit-remaining-requests": "3"}
    with visiting(world) as client:
        response = client.post("/v1/chat/completions", json=CHAT, headers={"idempotency-key": "k"})
        completion = ChatCompletion.model_validate(response.json(), strict=True)
        assert completion.choices[0].message.content == "Hello"
        assert response.headers["x-ratelimit-remaining-requests"] == "3"
        assert response.headers["x-request-id"]
    request = world.turns.requests[0]
    assert (request.door, request.client_request_id, request.store) == ("chat-http", "k", False)


def test_a_streamed_completion() -> None:
    """With `stream` the answer is chunks as server-sent events, and `[DONE]`."""
    with visiting(answering("Hel", "lo")) as client:
        response = client.post("/v1/chat/completions", json=CHAT | {"stream": True})
        assert response.headers["content-type"].startswith("text/event-stream")
        *lines, done = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
        assert done == "[DONE]"
        chunks = [ChatCompletionChunk.model_validate_json(line) for line in lines]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello"


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_fails_at_once_is_an_http_error(stream: bool) -> None:  # noqa: FBT001  a parameter of the test
    """If nothing was said, a stream too fails with the status that SDKs retry on."""
    with visiting(failing()) as client:
        assert error_of(client.post("/v1/chat/completions", json=CHAT | {"stream": stream})) == (
            504,
            "upstream_timeout",
        )


def test_a_streamed_completion_that_breaks_off() -> None:
    """If something was said, the stream ends with an error and no `[DONE]`."""
    with visiting(answering("Hel", outcome=FAILED)) as client:
        text = client.post("/v1/chat/completions", json=CHAT | {"stream": True}).text
        assert json.loads(text.split("data: ")[-1])["error"]["code"] == "upstream_timeout"
        assert "[DONE]" not in text


def test_refusals_reach_the_client_whole() -> None:
    """A refusal of the engine has its status, its members and its headers."""
    world = World()

    def refuse(request: TurnRequest) -> LiveTurn:
        raise Refused(
            "usage_cap_reached",
            "Later.",
            extra={"next_at": "x"},
            headers={"retry-after": "9", "x-should-retry": "false"},
        )

    world.turns.accept = refuse
    with visiting(world) as client:
        response = client.post("/v1/chat/completions", json=CHAT | {"stream": True})
        assert error_of(response) == (429, "usage_cap_reached")
        assert response.json()["error"]["next_at"] == "x"
        assert (response.headers["retry-after"], response.headers["x-should-retry"]) == ("9", "false")
