"""The frames with which clients ask for an answer."""

from typing import Any, Literal

from server.edge.shapes.bodies import ChatCompletionBody, ResponseBody
from server.edge.shapes.shape import Lane, Taken, absent


class ResponseCreate(ResponseBody):
    """Asks for an answer: the body of `POST /v1/responses`, and a lane."""

    type: Literal["response.create"]
    stream_id: Lane | None = None


class ResponseSteer(Taken):
    """Is answered by `response.steer.failed`: a running answer is not steered."""

    type: Literal["response.steer"]
    previous_response_id: str = absent()
    input: Any = absent()


class ChatRequest(ChatCompletionBody):
    """Asks for an answer: the body of `POST /v1/chat/completions`, and a lane. The answer is chunks."""

    stream_id: Lane | None = None
