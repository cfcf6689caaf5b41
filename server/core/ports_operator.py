"""What operators need from outside: who may ask, which revision of a persona answers, and who changed what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from server.core.records import Actor, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with keys and a tier."""

    id: str
    name: str
    tier: str
    created_at: int
    suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it can be listed; the secret itself is stored only as a hash."""

    id: str
    user: str
    role: Role
    hint: str
    """The first characters of the secret, to recognise it by."""
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None


class Identity(Protocol):
    """Secrets to actors."""

    async def actor(self, secret: str, now: int) -> Actor:
        """Return who holds this secret.

        Raises `Refused("invalid_api_key")` for an unknown, revoked or expired secret, comparing in constant
        time, and `Refused("user_suspended")`. A key made or revoked by another process is seen at once.
        """


class Accounts(Protocol):
    """Users and keys, for operators."""

    async def create_key(
        self, *, user: str, tier: str | None, default_tier: str, role: Role, expires_at: int | None, now: int
    ) -> tuple[str, Key]:
        """Make a key, and the user if new, and return the secret, which is never to be had again.

        `tier` changes the tier of a user who exists; None leaves it.
        """

    async def keys(self) -> Sequence[Key]:
        """Return all keys, revoked and expired ones too, oldest first."""

    async def revoke_key(self, key_id: str, now: int) -> bool:
        """Revoke the key for good; False if there is none or it was revoked before."""

    async def users(self) -> Sequence[User]:
        """Return all users, by name."""

    async def user(self, name: str) -> User | None:
        """Return the user of this name."""

    async def change_user(self, name: str, *, tier: str | None = None, suspended: bool | None = None) -> User | None:
        """Change what is given and return the user, or None if there is none of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """An immutable revision of a persona: the compiled form as JSON, known by its digest."""

    persona: str
    number: int
    digest: str
    compiled: str
    origin: Literal["file", "console"]
    created_at: int


class Revisions(Protocol):
    """Revisions of personas and the labels that point at them."""

    async def publish_file(self, persona: str, digest: str, compiled: str, now: int) -> Revision:
        """Store what a file holds, if no revision of the persona has this digest, and return the revision.

        It becomes `live` if the current `live` came from a file or there is none; else it becomes `draft`.
        """

    async def revision(self, persona: str, number: int) -> Revision | None:
        """Return this revision."""

    async def revisions(self, persona: str) -> Sequence[Revision]:
        """Return all revisions of the persona, the newest first; none if there is no such persona."""

    async def labels(self) -> Mapping[str, Mapping[str, int]]:
        """Return for every persona the number that each label points at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody changed, or looked at though it is private."""

    id: int
    at: int
    who: str
    """An actor's signature, or the program that did it, such as `cli`."""
    what: str
    """A few words that do not vary, such as `key created`."""
    detail: Mapping[str, Any]


class Audit(Protocol):
    """What was done by operators. Nothing in it is ever changed or removed.

    Stores note the changes that they make themselves, each in its own transaction.
    """

    async def note(self, *, who: str, what: str, at: int, detail: Mapping[str, Any]) -> None:
        """Make a note durable of what no store has noted."""

    async def entries(self, *, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """Return up to `limit` entries with smaller ids than `before` (None: all), the newest first."""


class Document(Protocol):
    """One text of the database, which all nodes and commands share."""

    async def read(self) -> str | None:
        """Return what was written last; None if nothing was."""

    async def change(self, work: Callable[[str | None], str | None]) -> str | None:
        """Put what `work` makes of the text in its place and return it; None leaves it as it is.

        Changes follow each other: each sees what the one before has made. `work` may be run again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a user was refused within one minute, for one reason."""

    user_id: str
    code: str
    """Of the catalogue of errors."""
    model: str
    """What the client named; empty if nothing."""
    cap: str
    """The cap that refused; empty for other reasons."""
    count: int
    last_at: int
    next_at: int | None
    """What the last one was told."""


class Refusals(Protocol):
    """What users were refused, for whoever asks why. Kept a while, then forgotten."""

    async def add(self, refused: Sequence[Refusal]) -> None:
        """Keep these; those of the same user, minute, code, model and cap are counted together."""

    async def of(self, user_id: str, since: int) -> Sequence[Refusal]:
        """Return the user's refusals whose minute ended after `since`, the newest first."""

    async def forget(self, before: int) -> int:
        """Delete those whose minute began before this time; return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRevision:
    """An immutable revision of the policy: groups, tiers and the default tier as JSON, known by their digest."""

    number: int
    digest: str
    policy: str
    origin: Literal["file", "console"]
    by: str
    """An actor's signature, or the program that stored it."""
    created_at: int


class Policies(Protocol):
    """Revisions of the policy, and the labels that point at them: `live` holds, `draft` waits.

    Whoever moves a label is noted in the audit, in the same transaction.
    """

    async def publish_file(self, policy: str, *, by: str, now: int) -> tuple[PolicyRevision, bool]:
        """Store what a file holds, if no revision has this content; return the revision and whether it is live.

        It becomes `live` if the current `live` came from a file or there is none; else it becomes `draft`.
        """

    async def store(self, policy: str, *, by: str, now: int) -> PolicyRevision:
        """Store what an operator wrote, if no revision has this content, as `draft`, and return the revision."""

    async def publish(self, number: int, *, by: str, now: int) -> PolicyRevision | None:
        """Make a revision `live`, and no draft any more, and return it; None if there is none of this number."""

    async def revision(self, number: int) -> PolicyRevision | None:
        """Return this revision."""

    async def revisions(self) -> Sequence[PolicyRevision]:
        """Return all revisions, the newest first."""

    async def labels(self) -> Mapping[str, int]:
        """Return the number that each label points at."""
