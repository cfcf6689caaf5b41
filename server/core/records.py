"""What is stored and passed around: actors, models, messages, turns, usage.

Plain values. Ids and times are made by the caller; times are integer microseconds since the epoch, UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

from server.core.functions import Format, Functions
from server.core.pictures import UNKNOWN, ImageTokens


class Role(StrEnum):
    """What a key may do; each role may do what the one before it may."""

    USER = "user"
    DEVELOPER = "developer"
    OPERATOR = "operator"

    def covers(self, needed: "Role") -> bool:
        """Return whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a client secret holds its bearer to; None leaves it open. Times are microseconds since the epoch."""

    id: str
    created_at: int
    expires_at: int
    origin: str | None = None
    """The only origin whose pages may use it."""
    persona: str | None = None
    model: str | None = None
    instructions: str | None = None
    """System text of the developer who made it."""
    messages: int | None = None
    """How many messages may be sent with it."""


def is_client_secret(secret: str) -> bool:
    """Return whether a secret looks like one that an application made for a browser."""
    return secret.startswith("ek_")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a user, seen through the key they came with."""

    user_id: str
    name: str
    tier: str
    role: Role = Role.USER
    locale: str | None = None
    key_id: str = ""
    """Which of the user's keys they came with; "" where there is none."""
    organisation: str | None = None
    """Whose pools they share."""
    tier_before: str | None = None
    """The tier that they had until `tier_changed_at`."""
    tier_changed_at: int | None = None
    network: str | None = None
    """Where they come from, of people without an account, whom a browser may forget."""
    has_extras: bool = False
    """Whether grants or overrides may hold for them, or have held."""
    binding: Binding | None = None
    """What the client secret that they came with holds them to."""

    @property
    def signature(self) -> str:
        """Who did something, for the audit: the user's name and the key's id."""
        return f"{self.name} {self.key_id}".rstrip()


@dataclass(frozen=True, slots=True)
class Model:
    """An alias that clients, personas and caps name, and what stands behind it."""

    alias: str
    upstreams: tuple[str, ...]
    """Names of upstreams, in the order in which they are tried."""
    upstream_id: str
    """What the upstream calls it; never shown to a client."""
    context: int
    """Tokens of prompt and answer together."""
    max_output: int | None = None
    vision: bool = False
    tools: bool = True
    """Whether it calls functions."""
    prefill: bool = False
    """Whether the upstream continues a trailing assistant message byte for byte."""
    roles: Literal["free", "strict"] = "free"
    system_role: Literal["system", "developer"] = "system"
    tokens: str = "o200k_base"
    """The token table that counts for it."""
    image_tokens: ImageTokens = UNKNOWN
    """How it counts images."""
    demonstration: bool = False
    """A small model that shows the product; every place that names it says so."""


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens of one turn. `estimated` says that we counted them because the upstream did not."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False


class TextPart(Struct, frozen=True, tag="text"):
    """A piece of text in a message, byte for byte as it was sent."""

    text: str


Detail = Literal["auto", "low", "high", "original"]
"""How closely a model looks at an image."""


class ImagePart(Struct, frozen=True, tag="image"):
    """An image in a message, by its digest; sizes are in pixels.

    In a request, until its images are taken in, `id` is what the client sent: a data URL, or the id of a file.
    """

    id: str
    detail: Detail = "auto"
    alt: str = ""
    width: int = 0
    height: int = 0


class RefusalPart(Struct, frozen=True, tag="refusal"):
    """What a model said instead of answering."""

    text: str


class ReasoningPart(Struct, frozen=True, tag="reasoning"):
    """What a model thought before it answered."""

    text: str


class CallPart(Struct, frozen=True, tag="call"):
    """A model's call of a function that the client offered; `text` are its arguments, as the model wrote them."""

    call_id: str
    name: str
    text: str


class OutputPart(Struct, frozen=True, tag="output"):
    """What the function of a call gave back."""

    call_id: str
    text: str


ReplyPart = TextPart | RefusalPart | ReasoningPart | CallPart
"""What an answer is made of."""

Part = ReplyPart | ImagePart | OutputPart


class Message(Struct, frozen=True, kw_only=True):
    """One stored message; `parent_id` makes the messages of a conversation a tree."""

    id: str
    role: Literal["user", "assistant", "tool"]
    """`tool`: outputs of functions that the message before it called."""
    parts: tuple[Part, ...]
    created_at: int
    parent_id: str | None = None
    turn_id: str | None = None
    status: Literal["completed", "incomplete"] = "completed"
    context: str = ""
    """The line of date and time that this user message was sent upstream with, so that later prompts repeat it."""

    @property
    def text(self) -> str:
        """All text of the message, in order."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A stored conversation of one user; it keeps the persona revision that it began with."""

    id: str
    user_id: str
    created_at: int
    updated_at: int
    title: str = ""
    persona: str | None = None
    revision: int | None = None
    greeting: int | None = None
    """Which of the persona's greetings the client showed; None if none was shown."""
    leaf_id: str | None = None
    """The message that the next turn answers to."""
    metadata: Mapping[str, str] | None = None
    archived_at: int | None = None
    """When it was put away; None where it was not."""


class ServedBy(Struct, frozen=True):
    """Told to the user when another alias answered than the one asked for."""

    asked: str
    served: str
    because: str
    back_at: int | None = None


class TurnStatus(StrEnum):
    """How a turn stands, in the words of the Responses protocol."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Prompt(Struct, frozen=True, kw_only=True):
    """Everything, beside revision and history, that a turn's prompt was assembled from: enough to assemble it again."""

    dials: dict[str, str]
    notes: str | None = None
    demoted: bool = False
    """Whether the caller's system text is among the notes, because they may not send it as such."""
    developer_text: str | None = None
    user_name: str = ""
    locale: str | None = None
    tier: str = ""
    date: str = ""
    weekday: str = ""
    greeting: int | None = None


class Sampling(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the caller asked of the model's sampling; None leaves it to persona and upstream."""

    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    format: Format | None = None
    """The form that the text has to have; None for any."""
    logprobs: int | None = None
    """How many likely tokens are told beside each token; None tells nothing of tokens."""


class Turn(Struct, frozen=True, kw_only=True):
    """The facts of one turn, fixed when it is accepted."""

    id: str
    user_id: str
    asked: str
    """What the client named: an alias or `persona:…`."""
    model: str
    """The alias that serves."""
    persona: str
    revision: int
    prompt: Prompt
    sampling: Sampling
    created_at: int
    hold_id: str
    message_id: str
    """The id of the reply."""
    input_ids: tuple[str, ...]
    """The messages that came with this turn, oldest first; the last one is the newest user message.

    None if the turn answers an old message once more.
    """
    parent_id: str | None = None
    """The message before the first of `input_ids`; the message that is answered, if none came."""
    conversation_id: str | None = None
    previous_id: str | None = None
    """The response that the client chained this turn to."""
    client_request_id: str | None = None
    body_digest: str = ""
    door: str = ""
    store: bool = True
    served_by: ServedBy | None = None
    prompt_digest: str = ""
    """Tells the exact messages that the model was sent from any others; "" if none were, or by an older version."""
    functions: Functions | None = None
    """What the client's program can do for the model."""
    background: bool = False
    """Whether it goes on for as long as it takes, followed or not."""
    echo: dict[str, Any] = {}
    """Fields of the client's request that its door repeats in the answer (metadata, instructions, …)."""

    @property
    def newest_id(self) -> str | None:
        """The message that the reply answers to."""
        return self.input_ids[-1] if self.input_ids else self.parent_id


class Outcome(Struct, frozen=True, kw_only=True):
    """How a turn ended."""

    status: TurnStatus
    reason: str | None = None
    """Why it is incomplete: `max_output_tokens`, `content_filter` or None."""
    error_code: str | None = None
    error_message: str | None = None
    usage: Usage = Usage()
    ended_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """What one turn cost, written once; the caps ledger can be rebuilt from these rows."""

    turn_id: str
    user_id: str
    asked: str
    model: str
    persona: str
    revision: int
    status: str
    usage: Usage
    hold_id: str
    charged: Mapping[str, int]
    """Units by dimension ("messages", "tokens") that the ledger was told to settle; empty if nothing was charged."""
    created_at: int
    ended_at: int
