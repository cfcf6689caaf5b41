"""Every error a client can meet: one catalogue of codes with their HTTP status, type and way out.

Doors turn these into bodies, frames and close codes; no other status code or error code appears anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the catalogue. `type` is OpenAI's; `retry` says whether the same call may succeed later unchanged."""

    code: str
    status: int
    type: str
    about: str
    retry: bool = False


INVALID = "invalid_request_error"

_ROWS = (
    Problem("invalid_json", 400, INVALID, "The body or frame is not JSON, or not a JSON object."),
    Problem("invalid_value", 400, INVALID, "A field has a wrong type or a value out of range; `param` names it."),
    Problem("missing_field", 400, INVALID, "A required field is absent; `param` names it."),
    Problem("unsupported_value", 400, INVALID, "The field is known but this value is not supported here."),
    Problem("unknown_frame", 400, INVALID, "The `type` of this frame is not one that clients send."),
    Problem("too_deep", 400, INVALID, "The JSON is nested more deeply than 64 levels."),
    Problem("message_too_large", 413, INVALID, "The body or frame is larger than 10 MiB."),
    Problem("context_length_exceeded", 400, INVALID, "Persona and newest message do not fit the model's context."),
    Problem("invalid_stream_id", 400, INVALID, "`stream_id` must match ^[A-Za-z0-9_.-]{1,256}$."),
    Problem("websocket_stream_limit_reached", 400, INVALID, "A socket may use 32 named lanes."),
    Problem(
        "websocket_queue_limit_reached",
        429,
        "rate_limit_error",
        "Too many requests wait on this socket.",
        retry=True,
    ),
    Problem(
        "websocket_connection_limit_reached",
        400,
        INVALID,
        "A socket lives 60 minutes; open a new one.",
        retry=True,
    ),
    Problem("websocket_follow_limit_reached", 400, INVALID, "A socket may follow 32 conversations."),
    Problem(
        "too_many_connections",
        429,
        "rate_limit_error",
        "This user, or this network, has too many sockets open.",
        retry=True,
    ),
    Problem("previous_response_not_found", 400, INVALID, "No response with this id can be continued by this key."),
    Problem("stream_position_lost", 400, INVALID, "The response has no such position; read it from the beginning."),
    Problem("response_not_found", 404, INVALID, "No response with this id is visible to this key."),
    Problem("conversation_not_found", 404, INVALID, "No conversation with this id is visible to this key."),
    Problem("message_not_found", 404, INVALID, "No message with this id is in the conversation."),
    Problem("model_not_found", 404, INVALID, "No model or persona has this name."),
    Problem("persona_not_found", 404, INVALID, "No persona has this name or revision."),
    Problem("persona_invalid", 409, INVALID, "The persona's file has errors; an operator must correct it."),
    Problem("persona_source_invalid", 400, INVALID, "This text is no persona; `problems` has each line and its cure."),
    Problem("persona_recalled", 410, INVALID, "An operator has recalled this revision; ask for the live one."),
    Problem("release_refused", 409, INVALID, "The change of a release contradicts what is there."),
    Problem("persona_model_mismatch", 400, INVALID, "The persona does not allow this model."),
    Problem(
        "no_model_available",
        503,
        "server_error",
        "No model that the persona allows can serve this now.",
        retry=True,
    ),
    Problem("persona_revision_forbidden", 403, "permission_error", "Choosing a revision needs role developer."),
    Problem("persona_not_allowed", 403, "permission_error", "This tier may not use this persona."),
    Problem("invalid_dial", 400, INVALID, "The persona declares no such dial, or not this value."),
    Problem(
        "steering_not_allowed",
        403,
        "permission_error",
        "The persona takes no such notes; system text of its own needs role developer.",
    ),
    Problem(
        "vision_not_supported",
        400,
        INVALID,
        "This model does not read images; the message names one that does, if there is one.",
    ),
    Problem("image_too_large", 400, INVALID, "The image has too many bytes, pixels or frames."),
    Problem("invalid_image", 400, INVALID, "This is no image that is read here: JPEG, PNG, WebP, or GIF."),
    Problem("file_not_found", 404, INVALID, "No file with this id is visible to this key."),
    Problem("file_limit_reached", 400, INVALID, "The user has as many files as one may; delete some."),
    Problem(
        "tools_not_supported", 400, INVALID, "This model calls no functions; the message names one that does, if any."
    ),
    Problem("content_blocked", 400, INVALID, "The message meets a rule of this deployment."),
    Problem("model_not_in_tier", 403, "permission_error", "This tier does not include the model."),
    Problem(
        "usage_cap_reached",
        429,
        "rate_limit_error",
        "The usage cap is reached; `next_at` says when it frees.",
        retry=True,
    ),
    Problem(
        "temporary_reduced_capacity",
        503,
        "server_error",
        "Demand is high and the model has no room for this tier now; nothing was charged.",
        retry=True,
    ),
    Problem("too_many_at_once", 429, "rate_limit_error", "Too many answers are running for this user.", retry=True),
    Problem(
        "too_many_requests",
        429,
        "rate_limit_error",
        "This user asks too often, or too many keys from this network were wrong.",
        retry=True,
    ),
    Problem("idempotency_conflict", 409, INVALID, "This request id was used with another body."),
    Problem("invalid_api_key", 401, "authentication_error", "The key is missing, unknown, revoked or expired."),
    Problem(
        "invalid_login_code",
        401,
        "authentication_error",
        "The link to sign in was opened before, or its ten minutes are over.",
    ),
    Problem("invalid_signature", 401, "authentication_error", "The message is not signed as it has to be, or too old."),
    Problem("user_suspended", 403, "permission_error", "An operator has suspended this user."),
    Problem(
        "client_secret_bound", 403, "permission_error", "The client secret is for another persona, model or origin."
    ),
    Problem(
        "client_secret_spent", 403, "permission_error", "The client secret has served its messages; get a new one."
    ),
    Problem("role_required", 403, "permission_error", "This call needs a higher role."),
    Problem("origin_not_allowed", 403, "permission_error", "Browsers from this origin may not connect."),
    Problem(
        "foreign_page", 403, "permission_error", "The cookie of a session counts for requests of our own pages only."
    ),
    Problem("not_found", 404, INVALID, "There is nothing at this address."),
    Problem("method_not_allowed", 405, INVALID, "This address does not take this method."),
    Problem("upgrade_required", 426, INVALID, "This address speaks WebSocket; send an upgrade request."),
    Problem("upstream_rejected", 400, INVALID, "The model's provider refused the request."),
    Problem(
        "upstream_rate_limited",
        503,
        "server_error",
        "The model's provider is over its own limit.",
        retry=True,
    ),
    Problem(
        "upstream_unavailable",
        502,
        "server_error",
        "The model's provider cannot be reached or failed.",
        retry=True,
    ),
    Problem("upstream_timeout", 504, "server_error", "The model's provider did not answer in time.", retry=True),
    Problem("upstream_broke_off", 502, "server_error", "The answer broke off; what arrived is stored.", retry=True),
    Problem(
        "storage_unavailable",
        503,
        "server_error",
        "The database or the caps cannot be reached; nothing was charged.",
        retry=True,
    ),
    Problem("draining", 503, "server_error", "This node is shutting down; connect again.", retry=True),
    Problem(
        "internal_error",
        500,
        "server_error",
        "Something failed here; `x-request-id` finds it in the logs.",
        retry=True,
    ),
)

CATALOGUE: Mapping[str, Problem] = {row.code: row for row in _ROWS}


@dataclass(slots=True, eq=False)  # not frozen: Python writes the traceback of what passes through a context manager
class Refused(Exception):  # noqa: N818  a refusal is an answer, not a fault
    """A call is not served. Nothing was stored and nothing was charged.

    `extra` are members added to the error object; `headers` go out as HTTP headers, or inside the error on a socket.
    """

    code: str
    message: str
    param: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.code not in CATALOGUE:
            raise LookupError(f"{self.code} is not in the catalogue")

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def problem(self) -> Problem:
        """The catalogue's line for this refusal."""
        return CATALOGUE[self.code]

    def body(self) -> dict[str, Any]:
        """Return the error object of OpenAI's shape, with our members after theirs."""
        error = {"message": self.message, "type": self.problem.type, "param": self.param, "code": self.code}
        return error | dict(self.extra)


@dataclass(frozen=True, slots=True)
class Close:
    """A WebSocket close code and whether a client should come back at once."""

    code: int
    reason: str
    come_back: bool


CLOSE_BINARY = Close(1003, "text frames only", come_back=False)
CLOSE_NOISY = Close(1008, "over 1,000 pings, pongs and parts of messages below 1 KiB in a minute", come_back=False)
CLOSE_TOO_LARGE = Close(1009, "frame over 16 MiB", come_back=False)
"""Sent by the server library, which reads no frame that large; the reason is in its words."""
CLOSE_SILENT = Close(1011, "keepalive ping timeout", come_back=True)
"""Sent by the server library, to a client that has not answered a ping for 20 seconds; the reason is in its words."""
CLOSE_RESTART = Close(1012, "restarting", come_back=True)
CLOSE_SLOW = Close(1013, "slow_consumer", come_back=True)
CLOSE_LIFETIME = Close(1001, "websocket_connection_limit_reached", come_back=True)
CLOSE_EXPIRED = Close(4401, "credential expired", come_back=False)
CLOSE_SUSPENDED = Close(4403, "account suspended", come_back=False)
CLOSES = (
    CLOSE_BINARY,
    CLOSE_NOISY,
    CLOSE_TOO_LARGE,
    CLOSE_SILENT,
    CLOSE_RESTART,
    CLOSE_SLOW,
    CLOSE_LIFETIME,
    CLOSE_EXPIRED,
    CLOSE_SUSPENDED,
)
