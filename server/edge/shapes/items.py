"""The output items of an answer, and their parts."""

from typing import Annotated, Literal

from pydantic import Field

from server.edge.shapes.shape import Sent

Status = Literal["in_progress", "completed", "incomplete"]


class LikelyToken(Sent):
    """A token that might have been written."""

    token: str
    logprob: float
    bytes: list[int]


class WrittenToken(Sent):
    """A token that was written, and the most likely ones in its place."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[LikelyToken]


class OutputText(Sent):
    """What the assistant says."""

    type: Literal["output_text"]
    text: str
    annotations: list[None]
    """Always empty."""
    logprobs: list[WrittenToken]


class Refusal(Sent):
    """What the model says in place of an answer."""

    type: Literal["refusal"]
    refusal: str


class ReasoningText(Sent):
    """What the model thinks before it answers."""

    type: Literal["reasoning_text"]
    text: str


class SummaryText(Sent):
    """The same, where `reasoning.summary` was asked for."""

    type: Literal["summary_text"]
    text: str


class MessageItem(Sent):
    """What the assistant says, or the refusal of the model."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Status
    content: list[Annotated[OutputText | Refusal, Field(discriminator="type")]]


class ReasoningItem(Sent):
    """What the model thinks."""

    id: str
    type: Literal["reasoning"]
    status: Status
    summary: list[SummaryText]
    content: list[ReasoningText] = Field(default_factory=list)


class FunctionCallItem(Sent):
    """A call of a function of the client's program."""

    id: str
    type: Literal["function_call"]
    status: Status
    call_id: str
    name: str
    arguments: str


OutputItem = Annotated[MessageItem | ReasoningItem | FunctionCallItem, Field(discriminator="type")]
OutputPart = Annotated[OutputText | Refusal | ReasoningText, Field(discriminator="type")]
