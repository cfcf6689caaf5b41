from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from server.adapters.chat_body import COMMON, OPENAI, chat_body, dialect
from server.core.functions import Format, Function, Functions
from server.core.ports import Call, UpstreamFailed
from server.core.records import CallPart, ImagePart, Model, OutputPart, Part, Sampling, TextPart

MODEL = Model("gpt-4", ("openai",), "gpt-5.5", 128_000)


@dataclass(frozen=True)
class Says:
    role: str
    parts: Sequence[Part]


def call(*messages: Says, model: Model = MODEL, sampling: Sampling | None = None, **fields: Any) -> Call:
    return Call(model=model, messages=messages, sampling=sampling or Sampling(), **fields)


def test_asks_for_a_stream_with_usage() -> None:
    """The least body names the provider's model and asks for a stream that ends with usage."""
    assert chat_body(call(Says("user", [TextPart("Hi "), TextPart("there")]))) == {
        "model": "gpt-5.5",
        "messages": [{"role": "user", "content": "Hi there"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_passes_sampling_on() -> None:
    """What the caller asked of sampling is sent, zeros included; what they did not ask is left out."""
    sampling = Sampling(temperature=0.0, top_p=0.5, stop=("END",), seed=0, frequency_penalty=1.0, presence_penalty=0.0)
    body = chat_body(call(sampling=sampling))
    assert {key: body[key] for key in body if key not in {"model", "messages", "stream", "stream_options"}} == {
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["END"],
        "seed": 0,
        "frequency_penalty": 1.0,
        "presence_penalty": 0.0,
    }


@pytest.mark.parametrize(("asked", "model", "sent"), [(10, None, 10), (None, 20, 20), (10, 20, 10), (30, 20, 20)])
def test_sends_the_lower_limit(asked: int | None, model: int | None, sent: int) -> None:
    """The answer's limit is the lower one of the caller's and the model's."""
    body = chat_body(call(model=replace(MODEL, max_output=model), sampling=Sampling(max_output_tokens=asked)))
    assert body["max_tokens"] == sent


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize("named", ["system", "developer"])
def test_names_the_system_role_as_the_model_wants_it(role: str, named: Any) -> None:
    """System and developer messages get the one role that the model knows."""
    body = chat_body(call(Says(role, [TextPart("Be kind.")]), model=replace(MODEL, system_role=named)))
    assert body["messages"] == [{"role": named, "content": "Be kind."}]


def test_puts_the_prefix_last() -> None:
    """The beginning of the answer is the last message, byte for byte."""
    body = chat_body(call(Says("user", [TextPart("Count.")]), prefix=" One,\n"))
    assert body["messages"][-1] == {"role": "assistant", "content": " One,\n"}


def test_keeps_images_in_their_place() -> None:
    """A message with an image is sent in parts, and a detail that chat does not know becomes the largest."""
    said = Says("user", [TextPart("See "), ImagePart("sha256:1", "original"), TextPart(" well")])
    assert chat_body(call(said), images=lambda image: f"data:{image}")["messages"][0]["content"] == [
        {"type": "text", "text": "See "},
        {"type": "image_url", "image_url": {"url": "data:sha256:1", "detail": "high"}},
        {"type": "text", "text": " well"},
    ]


def test_refuses_images_that_it_has_no_bytes_of() -> None:
    """Without a source of images, a message with one is rejected here."""
    with pytest.raises(UpstreamFailed) as why:
        chat_body(call(Says("user", [ImagePart("sha256:1")])))
    assert (why.value.code, why.value.elsewhere) == ("upstream_rejected", False)


def test_speaks_as_the_provider_does() -> None:
    """OpenAI's own hosts get its newest names, all others the common ones and no field that they may refuse."""
    asked = call(user_tag="u1", cache_key="c1", sampling=Sampling(max_output_tokens=5))
    new, common = chat_body(asked, speaks=OPENAI), chat_body(asked, speaks=COMMON)
    assert (new["max_completion_tokens"], new["safety_identifier"], new["prompt_cache_key"]) == (5, "u1", "c1")
    assert (common["max_tokens"], common["user"]) == (5, "u1")
    assert not {"prompt_cache_key", "max_completion_tokens", "safety_identifier"} & set(common)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("api.openai.com", OPENAI), ("eu.api.openai.com", OPENAI), ("notopenai.com", COMMON), ("127.0.0.1", COMMON)],
)
def test_knows_openai_by_its_host(host: str, expected: object) -> None:
    """Only OpenAI's own domain counts as OpenAI."""
    assert dialect(host) is expected


def test_sends_functions_calls_and_outputs() -> None:
    """Functions are tools; calls stand beside the assistant's words, and each output is a message of its own."""
    functions = Functions(offered=(Function(name="f", parameters={"type": "object"}),), named="f", parallel=False)
    said = (
        Says("assistant", [TextPart("Wait."), CallPart("c1", "f", "{}"), CallPart("c2", "f", "[]")]),
        Says("tool", [OutputPart("c1", "one"), OutputPart("c2", "two")]),
    )
    body = chat_body(call(*said, functions=functions))
    assert body["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert body["parallel_tool_calls"] is False
    first, *outputs = body["messages"]
    assert first["content"] == "Wait."
    assert [one["function"]["arguments"] for one in first["tool_calls"]] == ["{}", "[]"]
    assert outputs == [
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
    ]
    only = Functions(offered=functions.offered, choice="required")
    assert chat_body(call(functions=only))["tool_choice"] == "required"


def test_sends_formats_and_asks_about_tokens() -> None:
    """The form of the answer and the wish for log probabilities are sent as chat completions have them."""
    wanted = Format(type="json_schema", name="a", schema={"type": "object"}, strict=True)
    body = chat_body(call(sampling=Sampling(format=wanted, logprobs=2)))
    schema = {"name": "a", "schema": {"type": "object"}, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert (body["logprobs"], body["top_logprobs"]) == (True, 2)
    plain = chat_body(call(sampling=Sampling(format=Format(type="json_object"), logprobs=0)))
    assert plain["response_format"] == {"type": "json_object"}
    assert "top_logprobs" not in plain
