"""What the Chat Completions protocol sends: chunks, and errors on a socket."""

from typing import Literal

from server.edge.shapes.errors import Error
from server.edge.shapes.items import WrittenToken
from server.edge.shapes.response import ConversationReference, OutputTokensDetails, ServedBy
from server.edge.shapes.shape import Lane, Sent, absent


class CalledFunction(Sent):
    """Of a call: the name comes with its first chunk, the arguments in pieces."""

    name: str = absent()
    arguments: str


class CallPiece(Sent):
    """A piece of a call of a function."""

    index: int
    id: str = absent()
    type: Literal["function"] = absent()
    function: CalledFunction


class ChunkDelta(Sent):
    """What is new."""

    role: Literal["assistant"] = absent()
    content: str = absent()
    refusal: str = absent()
    reasoning_content: str = absent()
    tool_calls: list[CallPiece] = absent()


class ChunkLogprobs(Sent):
    """What the provider says of the tokens that the chunk completes."""

    content: list[WrittenToken]
    refusal: None


class ChunkChoice(Sent):
    """The one choice."""

    index: Literal[0]
    delta: ChunkDelta
    logprobs: ChunkLogprobs | None
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"] | None


class PromptTokensDetails(Sent):
    """Of the prompt's tokens."""

    cached_tokens: int


class CompletionUsage(Sent):
    """Tokens of an answer and its prompt."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: OutputTokensDetails


class ChatCompletionChunk(Sent):
    """A piece of an answer. The first one has the role, the last one the finish reason or, if asked for, the usage."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    """Seconds since the epoch."""
    model: str
    """The alias that answers."""
    system_fingerprint: None
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = absent()
    served_by: ServedBy = absent()
    """In the first chunk, as the two after it."""
    conversation: ConversationReference = absent()
    metadata: dict[str, str] = absent()
    """With `parley:demoted` where system text was taken as notes."""
    sequence_number: int = absent()
    """The position, for clients that opted in to extensions."""
    stream_id: Lane = absent()


class CompletionError(Sent):
    """A frame is not served, or an answer broke off; the socket lives on."""

    error: Error
    status: int
    """The status that HTTP would have."""
    stream_id: Lane = absent()
