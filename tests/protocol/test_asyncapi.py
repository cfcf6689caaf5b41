"""The description of the sockets: the one in the documentation, the one that is served, and what is really sent."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from server.chat.live import LiveTurn
from server.chat.live_conversations import LiveConversation
from server.core.errors import Refused
from server.core.events import Kind
from server.core.records import Conversation, Message, Prompt, Sampling, ServedBy, TextPart, TurnStatus
from server.edge import asyncapi, completions_render, extensions, follows_render, responses_render, responses_ws
from tests.fitting import COMPLETIONS, RESPONSES, check_fits
from tests.unit.server.edge.doors import ANA, FakeQuota
from tests.unit.server.edge.stories import FAILED, NOW, a_turn, an_outcome, told, told_of

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.json"
ROUTES = {"/v1/responses", "/v1/chat/completions"}

ITEMS: Sequence[tuple[Kind, Sequence[str]]] = (
    ("reasoning", ["Hm", "m."]),
    ("message", ["Hel", "lo"]),
    ("refusal", ["N", "o"]),
    ("function_call", ["{", "}"]),
    ("function_call", ["[]"]),
)
SERVED = ServedBy("gpt-4", "local", "usage_cap_reached", NOW)
ENDINGS = (
    an_outcome(),
    an_outcome(TurnStatus.INCOMPLETE, reason="max_output_tokens"),
    an_outcome(TurnStatus.INCOMPLETE, reason="content_filter"),
    an_outcome(TurnStatus.INCOMPLETE),
    an_outcome(TurnStatus.CANCELLED),
    FAILED,
)
CAPPED = Refused(
    "usage_cap_reached",
    "No.",
    param="model",
    extra={
        "limit": {"id": "gpt-4", "cap": 40, "used": 40, "unit": "messages", "window_seconds": 10800},
        "next_at": "2025-11-23T12:13:20Z",
        "retry_after_seconds": 60,
        "at_most": False,
        "full_at": "2025-11-23T15:13:20Z",
        "charged": False,
        "options": [{"do": "continue", "model": "local"}, {"do": "wait"}, {"do": "upgrade", "tier": "pro"}],
    },
    headers={"retry-after": "60"},
)


def test_the_file_is_what_is_served() -> None:
    """A change of the frames changes the file: `make describe` writes it anew, and its difference is reviewed."""
    assert FILE.read_text(encoding="utf-8") == asyncapi.text(), "run `make describe` and look at what it changes"


def test_every_socket_is_described() -> None:
    """Each address of the access table that is a socket has a channel; references lead somewhere."""
    document = asyncapi.document()
    assert {channel["address"] for channel in document["channels"].values()} == ROUTES
    schemas = set(document["components"]["schemas"])
    assert {f"#/components/schemas/{name}" for name in schemas} >= set(_references(document["components"]))


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def answers() -> Iterator[LiveTurn]:
    """Yield answers that have every kind of item, every ending and every member of ours."""
    for outcome in ENDINGS:
        yield told_of(ITEMS, outcome)
    yield told_of(ITEMS, sampling=Sampling(logprobs=1), served_by=SERVED, conversation_id="conv_1")
    yield told_of(ITEMS, echo={"reasoning": {"effort": "low", "summary": "auto"}, "user": "u", "metadata": {"a": "b"}})
    yield told_of((), prompt=Prompt(dials={}, demoted=True), previous_id="resp_0", store=False)


def ours() -> Iterator[str]:
    """Yield every frame of ours."""
    kept = Conversation(id="conv_1", user_id="ana", created_at=0, updated_at=0, title="Sky")
    said = Message(id="msg_1", role="user", parts=(TextPart("Hi"),), created_at=NOW)
    yield extensions.pong({"type": "parley:ping"})
    yield extensions.pong({"type": "parley:ping", "id": [1]})
    yield extensions.served_by_frame(SERVED, "resp_1", "a")
    yield extensions.draining(1.5)
    frames: list[str] = []
    extensions.telling(frames.append, "a")(1)
    yield from frames
    yield follows_render.followed(LiveConversation(kept))
    yield follows_render.turn(a_turn(conversation_id="conv_1"), [said])
    yield follows_render.title("conv_1", "Sea")
    yield follows_render.leaf("conv_1", None)
    yield follows_render.deleted("conv_1")
    yield follows_render.unfollowed("conv_1")


async def test_every_frame_of_the_responses_socket_is_described() -> None:
    """Whatever an answer is made of and however it ends, each frame has its shape; and each shape is really sent."""
    frames = [frame for live in answers() for frame in responses_render.frames(live, live.after(-1), stream_id="a")]
    frames += [responses_render.error_frame(CAPPED, "a"), responses_render.error_frame(Refused("too_deep", "No."))]
    frames.append(str(responses_ws.read({"type": "response.steer", "input": "Stop"})))
    frames += [*ours(), extensions.usage(await FakeQuota().usage(ANA))]
    assert {check_fits(json.loads(frame), RESPONSES) for frame in frames} == set(asyncapi.RESPONSES_SENT)


async def test_every_frame_of_the_chat_socket_is_described() -> None:
    """The same of chunks, with and without positions."""
    frames = [
        frame
        for live in answers()
        for how in ({"include_usage": True, "numbered": True}, {"include_usage": False, "stream_id": "a"})
        for frame in completions_render.frames(live, live.after(-1), **how)
    ]
    frames.append(completions_render.error_frame(CAPPED, "a"))
    frames += [*ours(), extensions.usage(await FakeQuota().usage(ANA))]
    assert {check_fits(json.loads(frame), COMPLETIONS) for frame in frames} == set(asyncapi.COMPLETIONS_SENT)


@pytest.mark.parametrize("wrong", [{"delta": 1}, {"delta": None}, {"text": "x"}, {"item_id": 3}])
def test_a_frame_that_differs_is_found(wrong: dict[str, Any]) -> None:
    """A member of another kind, one that is missing and one that nobody described are each seen."""
    live = told(["Hey"])
    frame = json.loads(responses_render.frames(live, live.after(-1))[4])
    changed = {name: value for name, value in (frame | wrong).items() if value is not None}
    with pytest.raises(ValidationError):
        check_fits(changed, RESPONSES)


SENT = (
    {"type": "response.create", "input": "Hi"},
    {
        "type": "response.create",
        "stream_id": "a",
        "generate": False,
        "prompt": {"id": "tutor", "variables": {"a": "b"}},
    },
    {"type": "response.create", "input": [{"role": "user", "content": "Hi"}], "conversation": {"id": "conv_1"}, "x": 1},
    {"type": "response.steer", "input": "Stop", "previous_response_id": "resp_1"},
    {"type": "parley:ping", "id": 1},
    {"type": "parley:cancel", "response_id": "resp_1"},
    {"type": "parley:resume", "response_id": "resp_1", "starting_after": -1, "stream_id": "a"},
    {"type": "parley:follow", "conversation": "conv_1"},
    {"type": "parley:unfollow", "conversation": "conv_1"},
)


@pytest.mark.parametrize("frame", SENT, ids=lambda frame: str(frame["type"]))
def test_what_clients_send_is_described(frame: dict[str, Any]) -> None:
    """Each frame that clients send fits one shape of those that the socket receives."""
    assert len([shape for shape in asyncapi.RESPONSES_TAKEN if _fits(shape, frame)]) == 1


def _fits(shape: type[BaseModel], frame: dict[str, Any]) -> bool:
    try:
        shape.model_validate(frame)
    except ValidationError:
        return False
    return True
