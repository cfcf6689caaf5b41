"""Request bodies as the API description shows them. The parsers read more than this and say what is wrong."""

from typing import Any, Literal

from pydantic import BaseModel

from server.edge.shapes.shape import Taken


class ChatMessage(Taken):
    """A message: text, or parts of text."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    """Of a `tool` message: the call whose output it is."""


class StreamOptions(Taken):
    """What a stream carries beside the text."""

    include_usage: bool = False


class ChatCompletionBody(Taken):
    """The body of `POST /v1/chat/completions`."""

    messages: list[ChatMessage] | None = None
    """Absent only with `regenerate`."""
    model: str | None = None
    """An alias, or `persona:name`."""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    """Functions of the client's program."""
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    persona: str | None = None
    dials: dict[str, str] | None = None
    notes: str | None = None
    """What the user tells of themselves."""
    conversation: str | None = None
    """The id of a stored conversation, or `new`."""
    parent: str | None = None
    """The message of the conversation that the first message answers to; null begins at the root."""
    regenerate: str | None = None
    """The id of a response whose question is answered once more, in place of messages."""
    greeting: int | None = None
    """Which greeting of the persona the user saw."""
    when_capped: Literal["use", "wait", "refuse"] | None = None
    client_request_id: str | None = None
    """Makes the request safe to send again."""


class MetadataBody(Taken):
    """The body of a call that marks something."""

    metadata: dict[str, str]


class PromptReference(Taken):
    """The persona that answers, its revision and its dials."""

    id: str | None = None
    version: str | None = None
    variables: dict[str, Any] | None = None


class ResponseBody(Taken):
    """The body of `POST /v1/responses`, and of `response.create` on a socket."""

    input: str | list[dict[str, Any]] | None = None
    """A message of the user's, or items. Absent only with `regenerate` or `generate: false`."""
    model: str | None = None
    """An alias, or `persona:name`."""
    instructions: str | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    parent: str | None = None
    """The message of the conversation that the input answers to; null begins at the root."""
    regenerate: str | None = None
    """The id of a response whose question is answered once more, in place of an input."""
    prompt: PromptReference | None = None
    notes: str | None = None
    """What the user tells of themselves."""
    store: bool | None = None
    stream: bool | None = None
    metadata: dict[str, str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    top_logprobs: int | None = None
    include: list[str] | None = None
    reasoning: dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    """The form of the answer, as `format`."""
    tools: list[dict[str, Any]] | None = None
    """Functions of the client's program."""
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    background: bool | None = None
    generate: bool | None = None
    """False stores the request and answers with an empty output."""
    greeting: int | None = None
    """Which greeting of the persona the user saw."""
    when_capped: Literal["use", "wait", "refuse"] | None = None
    client_request_id: str | None = None
    """Makes the request safe to send again."""


class ConversationBody(Taken):
    """The body of `POST /v1/conversations/{conversation_id}`: at least one of them."""

    title: str | None = None
    metadata: dict[str, str] | None = None
    archived: bool | None = None
    leaf: str | None = None
    """The id of one of its messages."""


class NewConversationBody(Taken):
    """The body of `POST /v1/conversations`."""

    items: list[dict[str, Any]] | None = None
    metadata: dict[str, str] | None = None
    title: str | None = None


class ItemsBody(Taken):
    """The body of `POST /v1/conversations/{conversation_id}/items`."""

    items: list[dict[str, Any]]


class ModerationBody(Taken):
    """The body of `POST /v1/moderations`."""

    input: str | list[str] | list[dict[str, Any]]
    """A text, texts that are judged one by one, or parts of one text."""
    model: str | None = None


class ExpiresAfter(Taken):
    """When a client secret ends."""

    anchor: Literal["created_at"] = "created_at"
    seconds: int = 600


class ClientSecretBody(Taken):
    """The body of `POST /v1/realtime/client_secrets`."""

    expires_after: ExpiresAfter | None = None
    session: dict[str, Any] | None = None
    """`model`, `instructions`, and as `prompt.id` the persona that everything asked with the secret is bound to."""
    user: str | None = None
    """Whose secret it is, as the application calls them; made if new."""
    tier: str | None = None
    """The tier of this user from now on."""
    origin: str | None = None
    """The only origin whose pages may use it."""
    max_messages: int | None = None


def described(body: type[BaseModel]) -> dict[str, Any]:
    """Return the part of an operation's description that says what its body is."""
    schema = body.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema, schema)}}}}


def _inlined(part: Any, whole: dict[str, Any]) -> Any:
    """Return the schema with its definitions in place of the references to them."""
    if isinstance(part, list):
        return [_inlined(item, whole) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(whole["$defs"][part["$ref"].removeprefix("#/$defs/")], whole)
    return {name: _inlined(value, whole) for name, value in part.items() if name != "$defs"}
