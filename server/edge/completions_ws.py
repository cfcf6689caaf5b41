"""The Chat Completions protocol on a socket: each frame is the body of a POST, each answer is its chunks. Pure."""

from server.edge.completions_parse import parse
from server.edge.completions_render import error_frame, frames
from server.edge.door import Door

DOOR_NAME = "chat-ws"

DOOR = Door(
    read=lambda frame: parse(frame, door=DOOR_NAME),
    show=lambda live, events, _, delivery: frames(
        live,
        events,
        include_usage=delivery.include_usage,
        stream_id=delivery.stream_id,
        numbered=delivery.numbered,
    ),
    refuse=error_frame,
)
