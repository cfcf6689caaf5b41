"""`/v1/responses` over HTTP."""

import json
from typing import Any

from openai.types.responses import Response as SdkResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from server.chat.live import LiveTurn
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World, answering, failing
from tests.unit.server.edge.stories import a_turn, told


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
    with visiting(failing()) as client:
        shown = client.post("/v1/responses", json={"input": "hi"}).json()
        assert (shown["status"], shown["error"]["type"]) == ("failed", "upstream_timeout")


def test_a_response_can_be_read_resumed_and_cancelled() -> None:
    """A response is found by its id or a completion's, its events from any position; another user's is not found."""
    world = World()
    world.turns.lives["resp_7"] = told(["a", "b"], turn=a_turn("7"))
    world.turns.lives["resp_8"] = told(["a"], turn=a_turn("8", user_id="bo"))
    with visiting(world) as client:
        assert client.get("/v1/responses/resp_7").json()["status"] == "completed"
        text = client.get("/v1/responses/resp_7?stream=true&starting_after=4").text
        first = json.loads(text.split("\n\n")[0].split("data: ")[1])
        assert (first["delta"], first["sequence_number"]) == ("b", 5)
        assert client.get("/v1/responses/resp_7?stream=true&starting_after=9").text == ""
        assert error_of(client.get("/v1/responses/resp_7?stream=true&starting_after=10")) == (
            400,
            "stream_position_lost",
        )
        assert client.post("/v1/responses/resp_7/cancel").json()["id"] == "resp_7"
        assert client.post("/v1/responses/chatcmpl-7/cancel").json()["id"] == "resp_7"
        assert client.get("/v1/responses/chatcmpl-7").json()["id"] == "resp_7"
        assert world.turns.cancelled == ["resp_7", "resp_7"]
        for missing in ("resp_8", "resp_9"):
            assert error_of(client.get(f"/v1/responses/{missing}")) == (404, "response_not_found")
            assert error_of(client.get(f"/v1/responses/{missing}?stream=true")) == (404, "response_not_found")
            assert error_of(client.post(f"/v1/responses/{missing}/cancel")) == (404, "response_not_found")


def test_a_running_response_is_shown_as_far_as_it_is() -> None:
    """A GET never waits: it shows the output so far."""
    world = World()
    turn = a_turn("7")
    world.turns.lives["resp_7"] = LiveTurn(turn, told(["Hel", "lo"], turn=turn).events[:3])
    with visiting(world) as client:
        shown = client.get("/v1/responses/resp_7").json()
        assert (shown["status"], shown["output"][0]["content"][0]["text"]) == ("in_progress", "Hel")
