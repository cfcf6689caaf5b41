"""The description of the sockets for programs, which `/asyncapi.json` serves and `docs/asyncapi.json` holds.

`python -m server.edge.asyncapi` writes it out. It is made of the shapes; so are the types for TypeScript.
"""

import json
import sys
from collections.abc import Sequence
from functools import cache
from inspect import cleandoc
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from server import __version__
from server.edge.shapes import asked, chunks, events, ours

_ANSWER: Final = (
    events.ResponseCreated,
    events.ResponseInProgress,
    events.OutputItemAdded,
    events.OutputItemDone,
    events.ContentPartAdded,
    events.ContentPartDone,
    events.OutputTextDelta,
    events.OutputTextDone,
    events.RefusalDelta,
    events.RefusalDone,
    events.ReasoningTextDelta,
    events.ReasoningTextDone,
    events.ReasoningSummaryPartAdded,
    events.ReasoningSummaryPartDone,
    events.ReasoningSummaryTextDelta,
    events.ReasoningSummaryTextDone,
    events.FunctionCallArgumentsDelta,
    events.FunctionCallArgumentsDone,
    events.ResponseCompleted,
    events.ResponseIncomplete,
    events.ResponseFailed,
)
_OUR_REQUESTS: Final = (ours.Ping, ours.Cancel, ours.Resume, ours.Follow, ours.Unfollow)
_OURS: Final = (
    ours.Pong,
    ours.ServedByFrame,
    ours.Waiting,
    ours.UsageFrame,
    ours.Draining,
    ours.ConversationFollowed,
    ours.ConversationTurn,
    ours.ConversationRetitled,
    ours.ConversationMoved,
    ours.ConversationDeleted,
    ours.ConversationUnfollowed,
)

Shapes = Sequence[type[BaseModel]]

RESPONSES_TAKEN: Final[Shapes] = (asked.ResponseCreate, asked.ResponseSteer, *_OUR_REQUESTS)
RESPONSES_SENT: Final[Shapes] = (*_ANSWER, events.ErrorEvent, events.SteerFailed, *_OURS)
COMPLETIONS_TAKEN: Final[Shapes] = (asked.ChatRequest, *_OUR_REQUESTS)
COMPLETIONS_SENT: Final[Shapes] = (chunks.ChatCompletionChunk, chunks.CompletionError, *_OURS)


class _Channel(NamedTuple):
    """One socket, and what goes over it."""

    name: str
    address: str
    about: str
    taken: Shapes
    sent: Shapes


_CHANNELS: Final = (
    _Channel(
        "responses",
        "/v1/responses",
        "The Responses protocol, several answers at once by `stream_id`.",
        RESPONSES_TAKEN,
        RESPONSES_SENT,
    ),
    _Channel(
        "completions",
        "/v1/chat/completions",
        "One request body of Chat Completions per frame in, chunks out.",
        COMPLETIONS_TAKEN,
        COMPLETIONS_SENT,
    ),
)


class _Schema(GenerateJsonSchema):
    """Names shapes as they are called, and says nothing twice."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  the library calls it by name
        """Return no: a title for each member would become a type for each member."""
        return False

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Return the union without OpenAPI's `discriminator`, which is another thing in AsyncAPI."""
        found = super().tagged_union_schema(schema)
        found.pop("discriminator", None)
        return found


@cache
def document() -> dict[str, Any]:
    """Return the description."""
    shapes = list(dict.fromkeys(shape for channel in _CHANNELS for shape in (*channel.taken, *channel.sent)))
    _, schemas = TypeAdapter.json_schemas(
        [(shape, "validation", TypeAdapter(shape)) for shape in shapes],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schema,
    )
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Parley over WebSocket",
            "version": __version__,
            "description": "Frames are JSON objects in text frames. docs/protocol.md says what they mean.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "node": {
                "host": "127.0.0.1:8000",
                "protocol": "ws",
                "description": "Where `make run` listens.",
                "security": [{"$ref": "#/components/securitySchemes/key"}],
            }
        },
        "channels": {channel.name: _channel(channel) for channel in _CHANNELS},
        "operations": {
            f"{channel.name}{verb.capitalize()}": _operation(channel.name, verb, shapes)
            for channel in _CHANNELS
            for verb, shapes in (("receive", channel.taken), ("send", channel.sent))
        },
        "components": {
            "schemas": schemas["$defs"],
            "messages": {shape.__name__: _message(shape) for shape in shapes},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key that `parley keys create` makes. Browsers offer it as a subprotocol.",
                }
            },
        },
    }


def _channel(channel: _Channel) -> dict[str, Any]:
    return {
        "address": channel.address,
        "description": channel.about,
        "messages": {
            shape.__name__: {"$ref": f"#/components/messages/{shape.__name__}"}
            for shape in (*channel.taken, *channel.sent)
        },
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {
                        "extensions": {"const": "parley", "description": "Opts in to the frames `parley:…`."}
                    },
                },
                "bindingVersion": "0.1.0",
            }
        },
    }


def _operation(channel: str, verb: str, shapes: Shapes) -> dict[str, Any]:
    """Return what the server does on a channel: it receives what clients send."""
    return {
        "action": verb,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": "What clients send." if verb == "receive" else "What clients are sent.",
        "messages": [{"$ref": f"#/channels/{channel}/messages/{shape.__name__}"} for shape in shapes],
    }


def _message(shape: type[BaseModel]) -> dict[str, Any]:
    kind = shape.model_fields.get("type")
    return {
        "name": str(kind.annotation.__args__[0]) if kind and kind.annotation else shape.__name__,
        "summary": cleandoc(shape.__doc__ or ""),
        "payload": {"$ref": f"#/components/schemas/{shape.__name__}"},
    }


def text() -> str:
    """Return the description as the file has it."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
