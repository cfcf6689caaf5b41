"""The events of an answer in the Responses protocol, as sockets and streams send them."""

from typing import Annotated, Literal

from pydantic import Field

from server.edge.shapes.errors import Error
from server.edge.shapes.items import OutputItem, OutputPart, SummaryText, WrittenToken
from server.edge.shapes.response import Response
from server.edge.shapes.shape import Lane, Sent, absent


class Event(Sent):
    """One event of an answer."""

    sequence_number: int
    """Its position; rises, and may skip."""
    stream_id: Lane = absent()
    """The lane of the request, if it named one."""


class ResponseCreated(Event):
    """The message is stored and an answer begins. Nothing comes before it."""

    type: Literal["response.created"]
    response: Response


class ResponseInProgress(Event):
    """The answer is being made."""

    type: Literal["response.in_progress"]
    response: Response


class ResponseCompleted(Event):
    """The answer is whole. Nothing of it comes after this."""

    type: Literal["response.completed"]
    response: Response


class ResponseIncomplete(Event):
    """The answer ended before it was whole, or was cancelled: `response.status` says which."""

    type: Literal["response.incomplete"]
    response: Response


class ResponseFailed(Event):
    """The answer broke off; `response.error` says why."""

    type: Literal["response.failed"]
    response: Response


class OutputItemAdded(Event):
    """An item begins."""

    type: Literal["response.output_item.added"]
    output_index: int
    item: OutputItem


class OutputItemDone(Event):
    """An item has ended, and is here as a whole."""

    type: Literal["response.output_item.done"]
    output_index: int
    item: OutputItem


class OfItem(Event):
    """An event about the text of an item."""

    item_id: str
    output_index: int


class ContentPartAdded(OfItem):
    """A part of an item begins."""

    type: Literal["response.content_part.added"]
    content_index: int
    part: OutputPart


class ContentPartDone(OfItem):
    """A part of an item has ended, and is here as a whole."""

    type: Literal["response.content_part.done"]
    content_index: int
    part: OutputPart


class OutputTextDelta(OfItem):
    """More of what the assistant says. Of several deltas in one, the number is the last one's."""

    type: Literal["response.output_text.delta"]
    content_index: int
    delta: str
    logprobs: list[WrittenToken]


class OutputTextDone(OfItem):
    """What the assistant said."""

    type: Literal["response.output_text.done"]
    content_index: int
    text: str
    logprobs: list[WrittenToken]


class RefusalDelta(OfItem):
    """More of a refusal of the model's."""

    type: Literal["response.refusal.delta"]
    content_index: int
    delta: str


class RefusalDone(OfItem):
    """A refusal of the model's."""

    type: Literal["response.refusal.done"]
    content_index: int
    refusal: str


class ReasoningTextDelta(OfItem):
    """More of what the model thinks."""

    type: Literal["response.reasoning_text.delta"]
    content_index: int
    delta: str


class ReasoningTextDone(OfItem):
    """What the model thought."""

    type: Literal["response.reasoning_text.done"]
    content_index: int
    text: str


class ReasoningSummaryPartAdded(OfItem):
    """A summary of what the model thinks begins."""

    type: Literal["response.reasoning_summary_part.added"]
    summary_index: int
    part: SummaryText


class ReasoningSummaryPartDone(OfItem):
    """A summary of what the model thinks has ended."""

    type: Literal["response.reasoning_summary_part.done"]
    summary_index: int
    part: SummaryText


class ReasoningSummaryTextDelta(OfItem):
    """More of a summary of what the model thinks."""

    type: Literal["response.reasoning_summary_text.delta"]
    summary_index: int
    delta: str


class ReasoningSummaryTextDone(OfItem):
    """A summary of what the model thought."""

    type: Literal["response.reasoning_summary_text.done"]
    summary_index: int
    text: str


class FunctionCallArgumentsDelta(OfItem):
    """More of the arguments of a call."""

    type: Literal["response.function_call_arguments.delta"]
    delta: str


class FunctionCallArgumentsDone(OfItem):
    """The arguments of a call."""

    type: Literal["response.function_call_arguments.done"]
    name: str
    arguments: str


AnswerEvent = Annotated[
    ResponseCreated
    | ResponseInProgress
    | OutputItemAdded
    | ContentPartAdded
    | OutputTextDelta
    | OutputTextDone
    | RefusalDelta
    | RefusalDone
    | ReasoningTextDelta
    | ReasoningTextDone
    | ReasoningSummaryPartAdded
    | ReasoningSummaryTextDelta
    | ReasoningSummaryTextDone
    | ReasoningSummaryPartDone
    | FunctionCallArgumentsDelta
    | FunctionCallArgumentsDone
    | ContentPartDone
    | OutputItemDone
    | ResponseCompleted
    | ResponseIncomplete
    | ResponseFailed,
    Field(discriminator="type"),
]
"""An event of an answer."""


class ErrorEvent(Sent):
    """A frame is not served; the socket lives on."""

    type: Literal["error"]
    status: int
    """The status that HTTP would have."""
    error: Error
    stream_id: Lane = absent()


class SteerError(Sent):
    """Why a running answer is not steered."""

    type: Literal["invalid_request_error"]
    code: Literal["steering_not_supported"]
    message: str


class SteerFailed(Sent):
    """Answers `response.steer`, which is not supported."""

    type: Literal["response.steer.failed"]
    error: SteerError
    steer: dict[str, object]
    """What was sent."""
