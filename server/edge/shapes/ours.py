"""Frames of ours, `parley:…`: only clients that opted in to extensions send and are sent them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from server.edge.shapes.response import ServedBy
from server.edge.shapes.shape import Lane, Sent, Taken, absent


class Ping(Taken):
    """Is answered by `parley:pong`."""

    type: Literal["parley:ping"]
    id: Any = absent()


class Cancel(Taken):
    """Stops a response at what was produced, on this socket or another."""

    type: Literal["parley:cancel"]
    response_id: str


class ResumeOptions(Taken):
    """What a resumed stream carries beside the text."""

    include_usage: bool = absent()


class Resume(Taken):
    """Shows the events after a position, and goes on live."""

    type: Literal["parley:resume"]
    response_id: str
    starting_after: Annotated[int, Field(ge=-1)] = absent()
    stream_id: Lane = absent()
    stream_options: ResumeOptions = absent()


class Follow(Taken):
    """Shows from now on what happens in a stored conversation."""

    type: Literal["parley:follow"]
    conversation: str
    stream_id: Lane = absent()


class Unfollow(Taken):
    """Ends that."""

    type: Literal["parley:unfollow"]
    conversation: str


class Pong(Sent):
    """Answers `parley:ping`, with its `id`."""

    type: Literal["parley:pong"]
    id: Any = absent()


class ServedByFrame(ServedBy):
    """Comes after `response.created` where another alias answers than the one asked for."""

    type: Literal["parley:served_by"]
    response_id: str
    stream_id: Lane = absent()


class Waiting(Sent):
    """A request waits for room; 1 is the next."""

    type: Literal["parley:waiting"]
    position: int
    stream_id: Lane = absent()


class Draining(Sent):
    """The node goes down: nothing new is accepted, what runs is finished."""

    type: Literal["parley:draining"]
    reconnect_in_ms: int


class UsageLimit(Sent):
    """How full a cap is. Times are RFC 3339."""

    id: str
    model: str | None
    """The alias or group that it names; null for the whole tier."""
    unit: str
    kind: Literal["rolling", "first_use", "calendar", "concurrent"]
    window_seconds: int | None
    cap: int
    base_cap: int
    """What the tier says; more than `cap` while demand is high."""
    cap_reason: str | None
    """Why it is lower, to show to the user."""
    warning: str | None
    """A sentence to show to the user at 80 % and at one message left."""
    used: int
    held: int
    remaining: int
    next_at: str | None
    """When there is room again; null while there is."""
    next_free_at: str | None
    """When there is more room than now."""
    full_at: str | None
    """When nothing of it is used any more."""


class UsageGrant(Sent):
    """Units that the user was given once."""

    id: str
    model: str | None
    unit: str
    amount: int
    used: int
    held: int
    remaining: int
    expires_at: str


class UsageFallback(Sent):
    """What answers once the first choice is used up."""

    model: str
    remaining: int | None


class Usage(Sent):
    """What the user may still use: the body of `GET /v1/usage`."""

    tier: str
    as_of: str
    limits: list[UsageLimit]
    grants: list[UsageGrant]
    fallback: UsageFallback | None


class UsageFrame(Usage):
    """The same, after an answer has ended."""

    type: Literal["parley:usage"]


class OfConversation(Sent):
    """What happens in a followed conversation."""

    type: Literal["parley:conversation"]
    conversation: str


class ConversationFollowed(OfConversation):
    """Answers `parley:follow`: how the conversation stands."""

    event: Literal["followed"]
    title: str
    leaf: str | None
    running: list[str]
    """Ids of responses."""


class ConversationTurn(OfConversation):
    """A turn runs that this socket did not ask for; its events follow in the lane `stream_id`."""

    event: Literal["turn"]
    response_id: str
    stream_id: str
    parent: str | None
    """The message that `input` answers to."""
    input: list[dict[str, Any]]
    """Items, as `GET /v1/conversations/{id}/items` has them."""
    model: str
    persona: str


class ConversationRetitled(OfConversation):
    """It has another title."""

    event: Literal["title"]
    title: str


class ConversationMoved(OfConversation):
    """It goes on from another message."""

    event: Literal["leaf"]
    leaf: str | None


class ConversationDeleted(OfConversation):
    """It was deleted, and is followed no more."""

    event: Literal["deleted"]


class ConversationUnfollowed(OfConversation):
    """It is followed no more."""

    event: Literal["unfollowed"]
