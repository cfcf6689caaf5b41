"""A call as the body of a chat completion request. Pure; images come through a callable that gives data URLs."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from server.core.functions import Format, Functions
from server.core.ports import Call, Said, UpstreamFailed
from server.core.ports_images import Picture
from server.core.records import CallPart, ImagePart, OutputPart, Sampling, TextPart

DataUrls = Callable[[str], str]
"""Gives the data URL of an image by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Names on which providers differ; None leaves the field out, as some refuse what they do not know."""

    max_tokens: str = "max_tokens"
    user: str = "user"
    cache_key: str | None = None


COMMON: Final = Dialect()
OPENAI: Final = Dialect(max_tokens="max_completion_tokens", user="safety_identifier", cache_key="prompt_cache_key")


def dialect(host: str) -> Dialect:
    """Return what the provider at `host` speaks: its own newest names at OpenAI, the common ones elsewhere."""
    return OPENAI if host == "openai.com" or host.endswith((".openai.com", ".openai.azure.com")) else COMMON


def chat_body(call: Call, *, speaks: Dialect = COMMON, images: DataUrls | None = None) -> dict[str, Any]:
    """Return the request's body, for a streamed answer with usage.

    Raises `UpstreamFailed("upstream_rejected")` if a message has an image and there is no `images`.
    """
    body: dict[str, Any] = {
        "model": call.model.upstream_id,
        "messages": _messages(call, images),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    limits = [limit for limit in (call.sampling.max_output_tokens, call.model.max_output) if limit is not None]
    if limits:
        body[speaks.max_tokens] = min(limits)
    if call.user_tag:
        body[speaks.user] = call.user_tag
    if call.cache_key and speaks.cache_key:
        body[speaks.cache_key] = call.cache_key
    return body | _sampling(call.sampling) | functions_of(call.functions)


def _messages(call: Call, images: DataUrls | None) -> list[dict[str, Any]]:
    messages = [message for said in call.messages for message in _said(call, said, images)]
    if call.prefix:
        messages.append({"role": "assistant", "content": call.prefix})
    return messages


def _said(call: Call, said: Said, images: DataUrls | None) -> list[dict[str, Any]]:
    """Return a message as the protocol has it, which has one for each output of a function."""
    outputs = [part for part in said.parts if isinstance(part, OutputPart)]
    if outputs:
        return [{"role": "tool", "tool_call_id": part.call_id, "content": part.text} for part in outputs]
    calls = [part for part in said.parts if isinstance(part, CallPart)]
    if calls:
        text = "".join(part.text for part in said.parts if isinstance(part, TextPart))
        return [{"role": "assistant", "content": text or None, "tool_calls": [_call(part) for part in calls]}]
    return [{"role": _role(call, said), "content": _content(said, images)}]


def _call(part: CallPart) -> dict[str, Any]:
    return {"id": part.call_id, "type": "function", "function": {"name": part.name, "arguments": part.text}}


def _role(call: Call, said: Said) -> str:
    return call.model.system_role if said.role in {"system", "developer"} else said.role


def _content(said: Said, images: DataUrls | None) -> str | list[dict[str, Any]]:
    if all(isinstance(part, TextPart) for part in said.parts):
        # A plain string is what every provider takes, and every chat template.
        return "".join(part.text for part in said.parts if isinstance(part, TextPart))
    return [
        _image(part, images) if isinstance(part, ImagePart) else {"type": "text", "text": part.text}
        for part in said.parts
        if isinstance(part, TextPart | ImagePart)
    ]


def _image(part: ImagePart, images: DataUrls | None) -> dict[str, Any]:
    if images is None:
        raise UpstreamFailed("upstream_rejected", "This upstream is given no images.", elsewhere=False)
    # Chat completions know three details; the largest of them stands for the original.
    detail = "high" if part.detail == "original" else part.detail
    return {"type": "image_url", "image_url": {"url": images(part.id), "detail": detail}}


def _sampling(sampling: Sampling) -> dict[str, Any]:
    fields = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "response_format": None if sampling.format is None else format_of(sampling.format),
        "logprobs": None if sampling.logprobs is None else True,
        "top_logprobs": sampling.logprobs or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def data_url(picture: Picture) -> str:
    """Return the image as a data URL."""
    return f"data:{picture.size.media_type};base64,{base64.b64encode(picture.data).decode()}"


def format_of(wanted: Format) -> dict[str, Any]:
    """Return `response_format`."""
    if wanted.type == "json_object":
        return {"type": "json_object"}
    schema = {
        "name": wanted.name,
        "description": wanted.description,
        "schema": wanted.schema,
        "strict": wanted.strict,
    }
    return {"type": "json_schema", "json_schema": {name: value for name, value in schema.items() if value is not None}}


def functions_of(functions: Functions | None) -> dict[str, Any]:
    """Return `tools` and the fields that go with it."""
    if functions is None:
        return {}
    named = {"type": "function", "function": {"name": functions.named}} if functions.named else None
    fields = {
        "tools": [{"type": "function", "function": msgspec.to_builtins(one)} for one in functions.offered],
        "tool_choice": named or (None if functions.choice == "auto" else functions.choice),
        "parallel_tool_calls": functions.parallel,
    }
    return {name: value for name, value in fields.items() if value is not None}
