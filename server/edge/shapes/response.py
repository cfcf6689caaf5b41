"""The response object: an answer at any moment."""

from typing import Any, Literal

from server.edge.shapes.items import OutputItem
from server.edge.shapes.shape import Sent, absent


class InputTokensDetails(Sent):
    """Of the prompt's tokens."""

    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(Sent):
    """Of the answer's tokens."""

    reasoning_tokens: int


class ResponseUsage(Sent):
    """Tokens of an answer and its prompt."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class ResponseError(Sent):
    """Why an answer failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    """One of those that SDKs know."""
    message: str
    type: str
    """The code of docs/errors.md."""


class IncompleteDetails(Sent):
    """Why an answer is not whole."""

    reason: str


class ConversationReference(Sent):
    """The stored conversation that a response is in."""

    id: str


class ServedBy(Sent):
    """Another alias answers than the one asked for."""

    asked: str
    served: str
    because: str
    back_at: str | None
    """When the alias asked for has room again, RFC 3339; null if nobody knows."""


class ResponseText(Sent):
    """The form of the answer."""

    format: dict[str, Any]


class Response(Sent):
    """A response as it stands."""

    id: str
    object: Literal["response"]
    created_at: int
    """Seconds since the epoch."""
    completed_at: int | None
    status: Literal["in_progress", "completed", "incomplete", "cancelled", "failed"]
    incomplete_details: IncompleteDetails | None
    model: str
    """The alias that answers."""
    previous_response_id: str | None
    output: list[OutputItem]
    error: ResponseError | None
    usage: ResponseUsage | None
    """Null until the answer has ended."""
    store: bool
    conversation: ConversationReference | None
    served_by: ServedBy = absent()
    instructions: str | None
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    truncation: Literal["auto", "disabled"]
    parallel_tool_calls: bool
    text: ResponseText
    top_p: float
    presence_penalty: float
    frequency_penalty: float
    top_logprobs: int
    temperature: float
    reasoning: dict[str, Any] | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    background: bool
    service_tier: Literal["default"]
    metadata: dict[str, str]
    """With `parley:demoted` where system text was taken as notes."""
    safety_identifier: str | None
    prompt_cache_key: str | None
    user: str = absent()
