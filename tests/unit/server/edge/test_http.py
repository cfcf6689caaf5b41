"""The HTTP surfaces, one by one."""

import json
from typing import Any

import pytest
from openai.types import Model as SdkModel
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.conversations import ConversationDeletedResource
from openai.types.responses import Response as SdkResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.events import Opened
from server.core.records import Conversation, Message, TextPart, TurnStatus
from server.core.requests import TurnRequest
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World
from tests.unit.server.edge.stories import NOW, a_turn, an_outcome, told

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
FAILED = an_outcome(TurnStatus.FAILED, error_code="upstream_timeout", error_message="Too long.")


def answering(*texts: str, **how: Any) -> World:
    """Return a world in which each request gets this answer."""
    world = World()
    world.turns.accept = lambda _: told(texts, **how)
    return world


def failing() -> LiveTurn:
    """Return a turn that failed before it said anything."""
    turn = a_turn()
    return LiveTurn(turn, [Opened(0), told([], FAILED).events[-1]])


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
    world = World()
    world.turns.accept = lambda _: failing()
    with visiting(world) as client:
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


def test_a_response() -> None:
    """`POST /v1/responses` answers with the response object, or with its events."""
    with visiting(answering("Hel", "lo")) as client:
        response = SdkResponse.model_validate(client.post("/v1/responses", json={"input": "hi"}).json())
        assert response.output_text == "Hello"
        text = client.post("/v1/responses", json={"input": "hi", "stream": True}).text
        adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
        events = [adapter.validate_json(block.split("data: ")[1]) for block in text.split("\n\n") if block]
        assert events[-1].type == "response.completed"


def test_a_failed_response_is_a_response() -> None:
    """A response that failed is shown with its status and its error."""
    world = World()
    world.turns.accept = lambda _: failing()
    with visiting(world) as client:
        shown = client.post("/v1/responses", json={"input": "hi"}).json()
        assert (shown["status"], shown["error"]["type"]) == ("failed", "upstream_timeout")


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


def test_a_response_can_be_read_resumed_and_cancelled() -> None:
    """A response is found by its id, its events from any position, and one that is not the user's is not found."""
    world = World()
    world.turns.lives["resp_7"] = told(["a", "b"], turn=a_turn("7"))
    world.turns.lives["resp_8"] = told(["a"], turn=a_turn("8", user_id="bo"))
    with visiting(world) as client:
        assert client.get("/v1/responses/resp_7").json()["status"] == "completed"
        text = client.get("/v1/responses/resp_7?stream=true&starting_after=4").text
        first = json.loads(text.split("\n\n")[0].split("data: ")[1])
        assert (first["delta"], first["sequence_number"]) == ("b", 5)
        assert client.post("/v1/responses/resp_7/cancel").json()["id"] == "resp_7"
        assert world.turns.cancelled == ["resp_7"]
        for missing in ("resp_8", "resp_9"):
            assert error_of(client.get(f"/v1/responses/{missing}")) == (404, "response_not_found")


def test_a_running_response_is_shown_as_far_as_it_is() -> None:
    """A GET never waits: it shows the output so far."""
    world = World()
    turn = a_turn("7")
    world.turns.lives["resp_7"] = LiveTurn(turn, told(["Hel", "lo"], turn=turn).events[:3])
    with visiting(world) as client:
        shown = client.get("/v1/responses/resp_7").json()
        assert (shown["status"], shown["output"][0]["content"][0]["text"]) == ("in_progress", "Hel")


def test_models() -> None:
    """Aliases and personas are models; what stands behind an alias is not told."""
    with visiting(World()) as client:
        response = client.get("/v1/models")
        listed = response.json()["data"]
        assert [model["id"] for model in listed] == ["gpt-4", "local", "persona:tutor"]
        for model in listed:
            SdkModel.model_validate(model, strict=True)
            assert client.get(f"/v1/models/{model['id']}").json() == model
        assert "secret-upstream-name" not in response.text
        assert listed[1]["demonstration"] is True
        assert error_of(client.get("/v1/models/nope")) == (404, "model_not_found")


def test_personas() -> None:
    """A persona shows what users may know of it."""
    with visiting(World()) as client:
        persona = client.get("/v1/personas").json()["data"][0]
        assert persona == client.get("/v1/personas/tutor").json()
        assert (persona["id"], persona["revision"], persona["title"]) == ("tutor", 3, "Tutor")
        assert persona["greetings"] == ["Hello."]
        assert persona["dials"] == {"pace": {"choices": ["slow", "fast"], "default": "slow"}}
        assert error_of(client.get("/v1/personas/nope")) == (404, "persona_not_found")


def a_conversation(number: int, user: str = "ana") -> Conversation:
    return Conversation(
        id=f"conv_{number}", user_id=user, created_at=NOW, updated_at=NOW, title=f"t{number}", leaf_id="m"
    )


def test_conversations() -> None:
    """Conversations are listed in pages, read, renamed and deleted; another user's are not found."""
    world = World()
    world.store.kept = [a_conversation(1), a_conversation(2), a_conversation(3, "bo")]
    with visiting(world) as client:
        page = client.get("/v1/conversations?limit=1").json()
        assert (page["last_id"], page["has_more"]) == ("conv_1", True)
        page = client.get("/v1/conversations?limit=1&after=conv_1").json()
        assert ([found["id"] for found in page["data"]], page["has_more"]) == (["conv_2"], False)
        renamed = client.post("/v1/conversations/conv_1", json={"title": "new"}).json()
        assert renamed["title"] == client.get("/v1/conversations/conv_1").json()["title"] == "new"
        assert error_of(client.post("/v1/conversations/conv_1", json={})) == (400, "missing_field")
        assert error_of(client.post("/v1/conversations/conv_1", json={"title": "x" * 201})) == (400, "invalid_value")
        assert error_of(client.post("/v1/conversations/conv_1", json={"metadata": {}})) == (400, "unsupported_value")
        ConversationDeletedResource.model_validate(client.delete("/v1/conversations/conv_1").json(), strict=True)
        for call in ("conv_1", "conv_3"):
            assert error_of(client.get(f"/v1/conversations/{call}")) == (404, "conversation_not_found")
            assert error_of(client.post(f"/v1/conversations/{call}", json={"title": "x"})) == (
                404,
                "conversation_not_found",
            )
            assert error_of(client.delete(f"/v1/conversations/{call}")) == (404, "conversation_not_found")
            assert error_of(client.get(f"/v1/conversations/{call}/items")) == (404, "conversation_not_found")


def test_items_of_a_conversation() -> None:
    """Messages come in either order and in pages, as items of the Responses protocol."""
    world = World()
    world.store.kept = [a_conversation(1)]
    world.store.said = [
        Message(id="msg_1", role="user", parts=(TextPart("hi"),), created_at=NOW),
        Message(id="msg_2", role="assistant", parts=(TextPart("ho"),), created_at=NOW, turn_id="resp_1"),
    ]
    with visiting(world) as client:
        page = client.get("/v1/conversations/conv_1/items?order=asc").json()
        assert [item["content"][0]["type"] for item in page["data"]] == ["input_text", "output_text"]
        assert (page["first_id"], page["last_id"], page["has_more"]) == ("msg_1", "msg_2", False)
        page = client.get("/v1/conversations/conv_1/items?limit=1").json()
        assert (page["last_id"], page["has_more"]) == ("msg_2", True)
        page = client.get("/v1/conversations/conv_1/items?limit=1&after=msg_2").json()
        assert (page["last_id"], page["has_more"]) == ("msg_1", False)
        assert error_of(client.get("/v1/conversations/conv_1/items?order=up")) == (400, "invalid_value")


def test_usage() -> None:
    """The report of the caps is the body."""
    with visiting(World()) as client:
        assert client.get("/v1/usage").json() == {"tier": "plus", "limits": []}
