"""Chat Completions bodies to requests."""

from typing import Any

import pytest

from server.core.errors import Refused
from server.core.functions import Format, Function, Functions
from server.core.records import CallPart, OutputPart, Sampling, TextPart
from server.core.requests import Item, TurnRequest
from server.edge.asked import Delivery
from server.edge.completions_parse import parse

HI = {"role": "user", "content": "hi"}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Now.", "parameters": {"type": "object"}, "strict": True},
}


def read(**body: Any) -> TurnRequest:
    return parse({"messages": [HI], **body}, door="chat-http").request


def test_the_smallest_body() -> None:
    """One user message is enough; an answer is not stored unless the client says so."""
    assert read() == TurnRequest(items=(Item("user", (TextPart("hi"),)),), store=False, door="chat-http")
    assert read(store=True).store


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m" * 256}, "model"),
        ({"persona": "p" * 256}, "persona"),
        ({"conversation": "c" * 256}, "conversation"),
        ({"messages": [7] * 2_001}, "messages"),
    ],
)
def test_names_and_numbers_of_messages_are_bounded(body: dict[str, Any], param: str) -> None:
    """Names that a refusal would repeat have at most 255 characters; of too many messages none is looked at."""
    with pytest.raises(Refused) as refused:
        read(**body)
    assert (refused.value.code, refused.value.param) == ("invalid_value", param)


def test_system_messages_are_steering() -> None:
    """System and developer messages are taken out of the dialogue and joined with blank lines."""
    request = read(
        messages=[
            {"role": "system", "content": "a"},
            HI,
            {"role": "assistant", "content": "ho"},
            {"role": "developer", "content": "b"},
            {"role": "user", "content": [{"type": "text", "text": "hey"}]},
        ]
    )
    assert request.steering == "a\n\nb"
    assert [item.role for item in request.items] == ["user", "assistant", "user"]


def test_sampling() -> None:
    """OpenAI's sampling fields are read; `max_completion_tokens` goes before the older `max_tokens`."""
    request = read(
        temperature=0,
        top_p=0.5,
        max_tokens=7,
        max_completion_tokens=8,
        stop="x",
        seed=1,
        frequency_penalty=-2,
        presence_penalty=2,
    )
    assert request.sampling == Sampling(
        temperature=0.0,
        top_p=0.5,
        max_output_tokens=8,
        stop=("x",),
        seed=1,
        frequency_penalty=-2.0,
        presence_penalty=2.0,
    )
    assert read(max_tokens=7, stop=["x", "y"]).sampling == Sampling(max_output_tokens=7, stop=("x", "y"))


def test_tools_are_functions() -> None:
    """Each tool is a function by name; `tool_choice` says whether, or which one, the model has to call."""
    request = read(tools=[WEATHER], tool_choice="required", parallel_tool_calls=False)
    weather = Function(name="weather", description="Now.", parameters={"type": "object"}, strict=True)
    assert request.functions == Functions(offered=(weather,), choice="required", parallel=False)
    one = read(tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "weather"}})
    assert one.functions == Functions(offered=(weather,), choice="required", named="weather")


def test_calls_and_outputs_are_said() -> None:
    """An assistant's calls stand beside its words, and each `tool` message is the output of one of them."""
    request = read(
        messages=[
            HI,
            {
                "role": "assistant",
                "content": "Wait.",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
                    {"id": "c2", "type": "function", "function": {"name": "weather", "arguments": "[1]"}},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {
                "role": "tool",
                "tool_call_id": "c2",
                "content": [{"type": "text", "text": "s"}, {"type": "text", "text": "un"}],
            },
        ]
    )
    assert request.items[1:] == (
        Item("assistant", (TextPart("Wait."), CallPart("c1", "weather", "{}"), CallPart("c2", "weather", "[1]"))),
        Item("tool", (OutputPart("c1", "rain"),)),
        Item("tool", (OutputPart("c2", "sun"),)),
    )


def test_formats_and_log_probabilities() -> None:
    """The form of the answer and what is told of its tokens are asked for."""
    schema = {"name": "s", "schema": {"type": "object"}, "strict": True}
    asked_for = read(response_format={"type": "json_schema", "json_schema": schema}, logprobs=True, top_logprobs=2)
    assert asked_for.sampling.format == Format(type="json_schema", name="s", schema={"type": "object"}, strict=True)
    assert asked_for.sampling.logprobs == 2
    assert read(response_format={"type": "json_object"}).sampling.format == Format(type="json_object")
    assert read(logprobs=True).sampling.logprobs == 0


def test_our_fields() -> None:
    """A persona with dials, a conversation and the usage chunk can be asked for."""
    body = {"messages": [HI], "persona": "persona:tutor@2", "dials": {"pace": "slow"}, "conversation": "new"}
    asked = parse(body | {"stream_options": {"include_usage": True}, "stream_id": "a"}, door="d")
    assert (asked.request.persona, asked.request.dials, asked.request.conversation) == (
        "tutor@2",
        {"pace": "slow"},
        "new",
    )
    assert asked.delivery == Delivery(stream_id="a", stream=False, include_usage=True)


def test_harmless_values_are_tolerated() -> None:
    """Defaults that clients spell out, and fields that are not known, change nothing."""
    spelled = {"n": 1, "tools": [], "tool_choice": "auto", "logprobs": False, "logit_bias": {}, "modalities": ["text"]}
    assert read(**spelled, response_format={"type": "text"}, top_logprobs=0, anything=[1]) == read()


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"messages": None}, "missing_field", "messages"),
        ({"messages": "hi"}, "invalid_value", "messages"),
        ({"messages": []}, "invalid_value", "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "invalid_value", "messages[0]"),
        ({"messages": [HI, {"role": "assistant", "content": "x"}]}, "invalid_value", "messages[1]"),
        ({"messages": [HI, {"role": "tool", "content": "x"}]}, "missing_field", "messages[1].tool_call_id"),
        ({"messages": [HI, {"role": "function", "content": "x"}]}, "unsupported_value", "messages[1].role"),
        ({"messages": [{"role": "assistant", "tool_calls": [1]}, HI]}, "invalid_value", "messages[0].tool_calls[0]"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]}, HI]},
            "missing_field",
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            {"messages": [HI, {"role": "tool", "tool_call_id": "c", "content": [{"type": "refusal", "refusal": ""}]}]},
            "unsupported_value",
            "messages[1].content[0]",
        ),
        ({"messages": [{"role": "assistant", "function_call": {}}, HI]}, "missing_field", "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]},
            "unsupported_value",
            "messages[0].content[0].image_url.url",
        ),
        ({"n": 2}, "unsupported_value", "n"),
        ({"n": True}, "unsupported_value", "n"),
        ({"tools": [{}]}, "missing_field", "tools[0].type"),
        ({"tools": [{"type": "web_search"}]}, "unsupported_value", "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "missing_field", "tools[0].function.name"),
        ({"tools": [WEATHER, WEATHER]}, "invalid_value", "tools"),
        ({"tools": [WEATHER] * 129}, "invalid_value", "tools"),
        ({"tool_choice": "required"}, "invalid_value", "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": "maybe"}, "invalid_value", "tool_choice"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "other"}}},
            "invalid_value",
            "tool_choice",
        ),
        ({"tools": [WEATHER], "tool_choice": {"type": "custom"}}, "unsupported_value", "tool_choice.type"),
        ({"functions": [{}]}, "unsupported_value", "functions"),
        ({"top_logprobs": 2}, "invalid_value", "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "invalid_value", "top_logprobs"),
        ({"response_format": {"type": "xml"}}, "invalid_value", "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "missing_field", "response_format.json_schema.schema"),
        ({"modalities": ["audio"]}, "unsupported_value", "modalities"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "invalid_value", "stop"),
        ({"stop": ""}, "invalid_value", "stop"),
        ({"stop": 5}, "invalid_value", "stop"),
        ({"seed": 2**63}, "invalid_value", "seed"),
        ({"dials": {"a": None}}, "missing_field", "dials.a"),
        ({"stream_options": {"include_usage": 1}}, "invalid_value", "stream_options.include_usage"),
    ],
)
def test_bad_fields_are_named(body: dict[str, Any], code: str, param: str) -> None:
    """Every refusal has a code of the catalogue and names the field."""
    with pytest.raises(Refused) as refused:
        read(**body)
    assert (refused.value.code, refused.value.param) == (code, param)
