"""What the engine needs from outside. A port's docstring is its promise and its test plan.

What operators need (accounts, revisions of personas) is in `ports_operator`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from server.core.branches import Node
from server.core.events import Event
from server.core.functions import Functions
from server.core.happenings import Happening
from server.core.logprobs import Token
from server.core.records import (
    Conversation,
    Message,
    Model,
    Outcome,
    Part,
    Sampling,
    Turn,
    Usage,
    UsageRow,
)


class Clock(Protocol):
    """The time of day and the time that only rises."""

    def now(self) -> int:
        """Return microseconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


class Ids(Protocol):
    """Names for new things."""

    def new(self, prefix: str) -> str:
        """Return `prefix_` and at least 96 bits that nobody can guess."""


class StoreAway(OSError):  # noqa: N818
    """The database cannot be reached or used now. Any call to a store may raise it, and may be made again."""


class DuplicateRequest(Exception):  # noqa: N818
    """The user's request id already belongs to a stored turn."""


class Fenced(Exception):  # noqa: N818
    """The turn has another owner now; the caller may write nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """All that is stored, in one transaction, before a turn is visible."""

    turn: Turn
    messages: Sequence[Message]
    """The input messages, oldest first, chained by `parent_id`."""
    opened: Event
    conversation: Conversation | None = None
    """A conversation that begins with this turn."""
    owner: int = 1
    lease_until: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnd:
    """All that is stored, in one transaction, when a turn ends; its segments are no longer needed after it."""

    turn_id: str
    owner: int
    outcome: Outcome
    events: Sequence[Event]
    """The last events, which nobody has seen yet."""
    trail: bytes
    """What `core.trail.pack` made of the log: with the reply's text it serves any position later."""
    reply: Message | None
    """None if nothing was produced."""
    usage: UsageRow
    conversation_id: str | None = None
    moves_leaf: bool = True
    keep_until: int | None = None
    """When an unlisted turn may be forgotten; None keeps it."""


class LogSink(Protocol):
    """Who is told how writes went; called on the event loop, in the order of the writes."""

    def committed(self, events: Sequence[Event]) -> None:
        """These events are durable and may be shown."""

    def fenced(self) -> None:
        """The turn has another owner: nothing since the last `committed` was or will be written."""

    def broken(self, why: Exception) -> None:
        """The store failed; nothing since the last `committed` is known to be durable."""


class TurnLog(Protocol):
    """The log of one turn, held by its owner."""

    def append(self, event: Event) -> None:
        """Take `event` for the next commit and return at once; the sink hears when it is durable."""

    async def end(self, end: TurnEnd) -> None:
        """Make the end durable, in one transaction, after everything appended.

        The sink does not hear of `end.events`. Raises `Fenced`; writes all of it or nothing; a second call for the
        same turn changes nothing.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A turn that has not ended and whose owner is gone, with all that it had made durable."""

    turn: Turn
    owner: int
    events: Sequence[Event]


class Journal(Protocol):
    """The durable log of all running turns.

    One commit carries what all turns wrote in that moment (group commit). Every write of a turn is conditional on
    its owner number. What is committed survives `kill -9`. An append costs microseconds and never waits for the disk.
    """

    async def begin(self, new: NewTurn, sink: LogSink) -> TurnLog:
        """Make `new` durable and return its log. Raises `DuplicateRequest` and then stores nothing."""

    async def renew(self, owners: Mapping[str, int], until: int) -> Sequence[str]:
        """Extend the leases of these turns, given with their owner numbers; return those lost to another owner."""

    async def adopt(self, now: int, until: int, *, everyone: bool) -> Sequence[Orphan]:
        """Take over the turns whose lease has ended before `now` (all that have not ended, if `everyone`).

        Raises each owner number by one, in the transaction that reads what was written: the old owner is fenced.
        A turn that cannot be read is left out, said in the log, and not looked at again by this process.
        """

    async def read(self, turn_id: str, after: int) -> tuple[Sequence[Event], int]:
        """Return what a turn that has not ended has committed since the segment `after` (0: all), oldest first.

        Also returns the number of the newest segment that was looked at. Any process may ask.
        """

    def resume(self, orphan: Orphan, sink: LogSink) -> TurnLog:
        """Return the log of an adopted turn, to go on writing."""

    def backlog(self) -> int:
        """Return the bytes that wait for the disk; engines slow down when it grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTurn:
    """A turn as the store has it."""

    turn: Turn
    outcome: Outcome | None
    """None while it runs."""
    reply: Message | None
    trail: bytes


class Turns(Protocol):
    """Turns that were accepted."""

    async def turn(self, turn_id: str, user_id: str) -> StoredTurn | None:
        """Return the turn, or None if there is none or it belongs to another user."""

    async def by_request(self, user_id: str, client_request_id: str) -> StoredTurn | None:
        """Return the turn that this user's request id made."""

    async def usage_rows(self, user_id: str | None, since: int) -> Sequence[UsageRow]:
        """Return the usage rows of the user (None: of all) that ended at or after `since`, oldest first."""

    async def forget(self, now: int, limit: int) -> int:
        """Delete up to `limit` unlisted turns whose time to keep has passed; return how many."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, newest first; `more` says whether another one follows."""

    items: Sequence[Conversation]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A conversation as it stands, and its turns of now."""

    conversation: Conversation
    running: Sequence[str]
    """Ids of the turns that have not ended, oldest first."""
    ended: Sequence[str]
    """Ids of the turns that have ended lately, oldest first."""


class Conversations(Protocol):
    """Stored conversations. Another user's conversation is as one that does not exist."""

    async def conversation(self, conversation_id: str, user_id: str) -> Conversation | None:
        """Return the conversation."""

    async def list(self, user_id: str, *, after: str | None, limit: int, archived: bool = False) -> Page:
        """Return the user's conversations (or those put away), most recently used first, those after the id `after`."""

    async def path(self, leaf_id: str, user_id: str) -> Sequence[Message]:
        """Return the messages from the root to `leaf_id`, oldest first; empty if it is not the user's."""

    async def tree(self, conversation_id: str, user_id: str) -> Sequence[Node]:
        """Return the place of every message of the conversation; empty if it is not the user's."""

    async def messages(self, message_ids: Sequence[str], user_id: str) -> Sequence[Message]:
        """Return those of these messages that are the user's, in this order."""

    async def standings(self, conversation_ids: Sequence[str], since: int) -> Mapping[str, Standing]:
        """Return how those of these conversations stand that exist, whoever they belong to.

        Turns that ended before `since` are left out.
        """

    async def rename(self, conversation_id: str, user_id: str, title: str, now: int) -> Conversation | None:
        """Return the conversation."""

    async def choose(self, conversation_id: str, user_id: str, leaf_id: str) -> Conversation | None:
        """Let the conversation go on from the message `leaf_id`, which is one of its own; return the conversation."""

    async def delete(self, conversation_id: str, user_id: str) -> bool:
        """Delete the conversation with all its messages and turns. Usage rows stay."""


class Said(Protocol):
    """One message of a prompt, as an upstream needs it."""

    @property
    def role(self) -> str:
        """`system`, `developer`, `user`, `assistant` or `tool`."""

    @property
    def parts(self) -> Sequence[Part]:
        """Text and images, calls or outputs, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One question to an upstream."""

    model: Model
    messages: Sequence[Said]
    sampling: Sampling
    prefix: str = ""
    """The beginning of the answer, if it is to be continued (`model.prefill`)."""
    user_tag: str = ""
    """Stands for the user at the provider; tells nothing about them."""
    cache_key: str = ""
    functions: Functions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A piece of an answer that is no text of it: of its reasoning, of a refusal, or of a function call."""

    kind: Literal["reasoning", "refusal", "function_call"]
    text: str = ""
    """Of a call, a piece of its arguments."""
    call: int = 0
    """Which of the answer's calls; the first piece of each has its id and name."""
    call_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What arrived from the upstream in one read: reasoning, then text, then the rest of `asides`."""

    text: str = ""
    finish: Literal["stop", "length", "content_filter"] | None = None
    usage: Usage | None = None
    asides: Sequence[Aside] = ()
    tokens: Sequence[Token] = ()
    """What was asked about the tokens of `text`; they may come later than their text."""


class UpstreamFailed(Exception):  # noqa: N818
    """An upstream did not serve. `code` is of the catalogue; `retry_after` in seconds if the provider said so.

    `elsewhere` says whether another upstream may serve the same call (429, 5xx, no connection, time-out).
    """

    def __init__(self, code: str, message: str, *, elsewhere: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.elsewhere, self.retry_after = code, message, elsewhere, retry_after


class Upstream(Protocol):
    """A provider of answers."""

    def answer(self, call: Call) -> AbstractAsyncContextManager[AsyncIterator[Batch]]:
        """Ask, and give the answer as it arrives; leaving the context closes the call at the provider.

        Entering waits for the provider's first bytes of success. A finish reason comes exactly once, with or after
        the last text; an answer that ends without one raises `UpstreamFailed("upstream_broke_off")`. Raises only
        `UpstreamFailed`.
        Text is passed on byte for byte; no batch is empty.
        """


class Tokens(Protocol):
    """Token counts from packaged tables."""

    def count(self, text: str, table: str) -> int:
        """Return how many tokens `text` is in `table` (`o200k_base`, `cl100k_base`; others: the nearest one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What screening says. `stop` ends the turn; `note` lets it go on and is counted."""

    action: Literal["allow", "note", "stop"]
    category: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenContext:
    """What a moderator may know about the turn."""

    persona: str
    revision: int
    tier: str
    marker: str
    """The leak marker of this revision, as it stands in the prompt."""


class Screen(Protocol):
    """Screens one answer as it streams."""

    def feed(self, text: str) -> tuple[str, Verdict | None]:
        """Return the text that is safe to show now, and a verdict that stops the answer if there is one.

        Holds back exactly what may still become a match. The first character of a match is never released, however
        the text is cut. After a stopping verdict nothing more is released.
        """

    def close(self) -> tuple[str, Verdict | None]:
        """Return what was held back, as the answer has ended."""


class Moderator(Protocol):
    """Checks what comes in and what goes out."""

    async def check_input(self, text: str, context: ScreenContext) -> Verdict:
        """Judge what a user sends, before anything is stored."""

    def screen_output(self, context: ScreenContext, *, shown: str = "") -> Screen:
        """Return a screen for one answer; `shown` is what earlier owners of the turn have already released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something operators may want to count or read: a name from `core.happenings` and its labels."""

    name: Happening
    labels: Mapping[str, str] = field(default_factory=dict)
    value: float = 1.0


class Wakeups(Protocol):
    """Hints between processes, by topic: see `core.wakes`.

    A hint may be lost, doubled or late: whoever acts on one reads the truth from the store, now and then without one.
    """

    def publish(self, topic: str, hint: bytes) -> None:
        """Tell everyone who listens to `topic`. Never waits and never raises."""

    def heard(self, topic: str) -> bool:
        """Return whether anybody may listen to `topic`; where not, there is no need to make a hint."""

    def subscribe(self, topic: str, hear: Callable[[bytes], None]) -> Callable[[], None]:
        """Call `hear`, on the event loop, for each hint from soon on; return what ends it."""


class Observer(Protocol):
    """Hears what happens. Never raises, never waits."""

    def saw(self, happened: Happened) -> None:
        """Take note."""
