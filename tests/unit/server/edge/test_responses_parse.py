"""Responses bodies to requests."""

from typing import Any

import pytest

from server.core.errors import Refused
from server.core.functions import Format, Function, Functions
from server.core.records import CallPart, OutputPart, Sampling, TextPart
from server.core.requests import Item, TurnRequest
from server.edge.responses_parse import parse


def read(**body: Any) -> TurnRequest:
    return parse({"input": "hi", **body}, door="responses-http").request


def refusal(**body: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as refused:
        read(**body)
    return refused.value.code, refused.value.param


def test_the_smallest_body() -> None:
    """A string is the user's message; an answer is stored unless the client says otherwise."""
    assert read() == TurnRequest(items=(Item("user", (TextPart("hi"),)),), door="responses-http")


def test_messages_keep_their_order_and_bytes() -> None:
    """Items become messages, parts stay parts, and text is never trimmed."""
    request = read(
        input=[
            {"role": "user", "content": "  one\n"},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "two", "annotations": []}],
            },
            {"role": "user", "content": [{"type": "input_text", "text": "three"}, {"type": "input_text", "text": " "}]},
        ]
    )
    assert request.items == (
        Item("user", (TextPart("  one\n"),)),
        Item("assistant", (TextPart("two"),)),
        Item("user", (TextPart("three"), TextPart(" "))),
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m" * 256}, "model"),
        ({"previous_response_id": "r" * 256}, "previous_response_id"),
        ({"conversation": "c" * 256}, "conversation"),
        ({"conversation": {"id": "c" * 256}}, "conversation.id"),
        ({"prompt": {"id": "p" * 256}}, "prompt.id"),
        ({"prompt": {"id": "p", "version": "1" * 256}}, "prompt.version"),
        ({"prompt": {"id": "p", "variables": {"d" * 256: "x"}}}, "prompt.variables"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": ""}] * 501}]}, "input[0].content"),
    ],
)
def test_names_and_numbers_of_parts_are_bounded(body: dict[str, Any], param: str) -> None:
    """Names that a refusal would repeat have at most 255 characters, and a message at most 500 parts."""
    assert refusal(**body) == ("invalid_value", param)


def test_too_many_items_are_not_even_looked_at() -> None:
    """Of an input with too many items none is read: what is wrong with the first one is not told."""
    assert refusal(input=[7] * 2_001) == ("invalid_value", "input")


def test_system_text_is_steering() -> None:
    """Instructions come first, then system and developer messages, with blank lines between them."""
    request = read(
        instructions="a",
        input=[
            {"role": "system", "content": "b"},
            {"role": "user", "content": "hi"},
            {"role": "developer", "content": [{"type": "input_text", "text": "c"}]},
        ],
    )
    assert request.steering == "a\n\nb\n\nc"
    assert len(request.items) == 1


def test_a_prompt_is_a_persona_with_dials() -> None:
    """`prompt` names a persona, its revision and its dials."""
    request = read(prompt={"id": "tutor", "version": "7", "variables": {"pace": "slow"}})
    assert (request.persona, request.dials) == ("tutor@7", {"pace": "slow"})
    assert read(prompt={"id": "persona:tutor"}).persona == "tutor"
    assert read(prompt={"variables": {"pace": "slow"}}).dials == {"pace": "slow"}


def test_who_where_and_how() -> None:
    """Model, conversation, chaining, sampling and our own fields reach the request."""
    request = read(
        model="persona:tutor",
        conversation={"id": "conv_1"},
        store=False,
        temperature=0.5,
        top_p=1,
        max_output_tokens=9,
        greeting=0,
        when_capped="wait",
        generate=False,
        client_request_id="r-1",
    )
    assert (request.model, request.conversation, request.store) == ("persona:tutor", "conv_1", False)
    assert request.sampling == Sampling(temperature=0.5, top_p=1.0, max_output_tokens=9)
    assert (request.greeting, request.when_capped, request.generate) == (0, "wait", False)
    assert request.client_request_id == "r-1"
    assert len(request.body_digest) == 64
    assert read(previous_response_id="resp_1").previous_id == "resp_1"


def test_the_answer_repeats_what_was_asked() -> None:
    """The echo holds what responses repeat, and nothing that the client did not say."""
    assert read().echo == {}
    assert read(metadata={"a": "b"}, instructions="x", truncation="auto", user="u").echo == {
        "metadata": {"a": "b"},
        "instructions": "x",
        "truncation": "auto",
        "user": "u",
    }


def test_functions_and_their_outputs() -> None:
    """Tools are functions; calls are the assistant's, beside what it said before, and outputs are said in return."""
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
    request = read(
        tools=[tool],
        tool_choice={"type": "function", "name": "weather"},
        input=[
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "summary": []},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Wait."}]},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "sun"}]},
        ],
    )
    assert request.functions == Functions(
        offered=(Function(name="weather", parameters={"type": "object"}),), choice="required", named="weather"
    )
    assert request.items[1:] == (
        Item("assistant", (TextPart("Wait."), CallPart("c1", "weather", "{}"), CallPart("c2", "weather", "{}"))),
        Item("tool", (OutputPart("c1", "rain"),)),
        Item("tool", (OutputPart("c2", "sun"),)),
    )
    assert request.echo["tool_choice"] == {"type": "function", "name": "weather"}
    assert request.echo["tools"][0]["name"] == "weather"


def test_formats_log_probabilities_and_thoughts() -> None:
    """The form of the answer, what is told of tokens, and how thoughts are shown are asked for."""
    wanted = {"type": "json_schema", "name": "s", "schema": {}}
    request = read(text={"format": wanted}, include=["message.output_text.logprobs"], reasoning={"summary": "auto"})
    assert request.sampling == Sampling(format=Format(type="json_schema", name="s", schema={}), logprobs=0)
    assert request.echo["reasoning"] == {"effort": None, "summary": "auto"}
    assert read(top_logprobs=3).sampling.logprobs == 3


def test_lane_stream_and_key() -> None:
    """The lane, the wish for a stream and the `Idempotency-Key` header are read; the body's id goes first."""
    asked = parse({"input": "hi", "stream_id": "conv.A", "stream": True}, door="d", key="k")
    assert (asked.delivery.stream_id, asked.delivery.stream, asked.request.client_request_id) == ("conv.A", True, "k")
    assert parse({"input": "hi", "client_request_id": "b"}, door="d", key="k").request.client_request_id == "b"


def test_fields_of_other_clients_are_tolerated() -> None:
    """What agents and editors send beside the documented fields changes nothing."""
    extra = {
        "stream": True,
        "background": False,
        "client_metadata": {"x": 1},
        "tools": [],
    }
    assert read(**extra, include=["reasoning.encrypted_content"], anything={"a": [1]}) == read()


def test_a_preparing_create_needs_no_input() -> None:
    """With `generate: false` the input may be absent or end as it likes."""
    assert parse({"generate": False}, door="d").request.items == ()


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"input": None}, "missing_field", "input"),
        ({"input": []}, "invalid_value", "input"),
        ({"input": 7}, "invalid_value", "input"),
        ({"input": [7]}, "invalid_value", "input[0]"),
        ({"input": [{"role": "user"}]}, "missing_field", "input[0].content"),
        ({"input": [{"role": "user", "content": []}]}, "invalid_value", "input[0].content"),
        ({"input": [{"role": "nobody", "content": "x"}]}, "invalid_value", "input[0].role"),
        ({"input": [{"role": ["user"], "content": "x"}]}, "invalid_value", "input[0].role"),
        ({"input": [{"content": "x"}]}, "missing_field", "input[0].role"),
        ({"input": [{"type": {}, "role": "user", "content": "x"}]}, "invalid_value", "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": []}]}]}, "invalid_value", "input[0].content[0].type"),
        ({"input": [{"role": "assistant", "content": "x"}]}, "invalid_value", "input[0]"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "missing_field", "input[0].call_id"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "missing_field", "input[0].arguments"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "unsupported_value", "input[0].type"),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_file"}]}]},
            "unsupported_value",
            "input[0].output[0].type",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file"}]}]},
            "unsupported_value",
            "input[0].content[0].type",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            "missing_field",
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_text"}]}]},
            "missing_field",
            "input[0].content[0].text",
        ),
        ({"input": [{"role": "user", "content": "x"}] * 2001}, "invalid_value", "input"),
        ({"model": 4}, "invalid_value", "model"),
        ({"temperature": 2.1}, "invalid_value", "temperature"),
        ({"temperature": True}, "invalid_value", "temperature"),
        ({"max_output_tokens": 0}, "invalid_value", "max_output_tokens"),
        ({"max_output_tokens": 10**30}, "invalid_value", "max_output_tokens"),
        ({"store": "yes"}, "invalid_value", "store"),
        ({"metadata": {str(n): "" for n in range(17)}}, "invalid_value", "metadata"),
        ({"metadata": {"k" * 65: ""}}, "invalid_value", "metadata"),
        ({"metadata": {"k": "v" * 513}}, "invalid_value", "metadata"),
        ({"metadata": {"k": 1}}, "invalid_value", "metadata"),
        ({"metadata": []}, "invalid_value", "metadata"),
        ({"prompt": {"version": "2"}}, "missing_field", "prompt.id"),
        ({"prompt": {"id": "x", "variables": {"a": 1}}}, "invalid_value", "prompt.variables.a"),
        ({"stream_id": ""}, "invalid_stream_id", "stream_id"),
        ({"stream_id": "a b"}, "invalid_stream_id", "stream_id"),
        ({"stream_id": 5}, "invalid_stream_id", "stream_id"),
        ({"stream_id": "x\n"}, "invalid_stream_id", "stream_id"),
        ({"client_request_id": ""}, "invalid_value", "client_request_id"),
        ({"client_request_id": "a\nb"}, "invalid_value", "client_request_id"),
        ({"client_request_id": "a" * 256}, "invalid_value", "client_request_id"),
        ({"previous_response_id": "r", "conversation": "c"}, "invalid_value", "previous_response_id"),
        ({"tools": [{"type": "function"}]}, "missing_field", "tools[0].name"),
        ({"tools": [{"type": "mcp"}]}, "unsupported_value", "tools[0].type"),
        ({"tool_choice": "required"}, "invalid_value", "tool_choice"),
        ({"text": {"format": {"type": "json_schema"}}}, "missing_field", "text.format.schema"),
        ({"top_logprobs": 21}, "invalid_value", "top_logprobs"),
        ({"background": True, "store": False}, "invalid_value", "background"),
        ({"reasoning": {"summary": 1}}, "invalid_value", "reasoning.summary"),
        ({"when_capped": "beg"}, "invalid_value", "when_capped"),
        ({"greeting": -1}, "invalid_value", "greeting"),
    ],
)
def test_bad_fields_are_named(body: dict[str, Any], code: str, param: str) -> None:
    """Every refusal has a code of the catalogue and names the field."""
    assert refusal(**body) == (code, param)
