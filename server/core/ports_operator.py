"""What operators need from outside: who may ask, which revision of a persona answers, and who changed what."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from server.core.ports import StoredTurn
from server.core.records import Actor, Role
from server.core.rollout import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with keys and a tier."""

    id: str
    name: str
    tier: str
    created_at: int
    suspended: bool = False
    organisation: str | None = None
    """Whose pools the user shares."""
    tier_before: str | None = None
    """The tier that the user had until `tier_changed_at`."""
    tier_changed_at: int | None = None
    host_id: str | None = None
    """The user whose application made this one; None of those whom operators made."""


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
    kind: Literal["key", "session"] = "key"
    """A session is what a browser has been given; it is forgotten once it has expired."""


class Identity(Protocol):
    """Secrets to actors."""

    async def actor(self, secret: str, now: int) -> Actor:
        """Return who holds this secret, of a key or a client secret.

        A client secret, which begins with `ek_`, has role user and a `binding`, and ends with the key that made it.
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

    async def keys(self, *, user: str | None = None) -> Sequence[Key]:
        """Return all keys, or those of the user of a name, revoked and expired ones too, oldest first."""

    async def revoke_key(self, key_id: str, now: int) -> bool:
        """Revoke the key for good; False if there is none or it was revoked before."""

    async def users(self, *, holding: str = "", after: str | None = None, limit: int | None = None) -> Sequence[User]:
        """Return users by name: those whose name holds a text in any case, from behind the id `after`."""

    async def user(self, name: str) -> User | None:
        """Return the user of this name."""

    async def change_user(
        self, name: str, *, tier: str | None = None, suspended: bool | None = None, organisation: str | None = None
    ) -> User | None:
        """Change what is given and return the user, or None if there is none of this name.

        Another tier than before is kept in mind as `tier_before`. An `organisation` of "" is none.
        """


Origin = Literal["file", "console", "import"]

LIVE: Final = "live"
STAGING: Final = "staging"
DRAFT: Final = "draft"
LABELS: Final = (LIVE, STAGING, DRAFT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What may become a revision of a persona."""

    persona: str
    digest: str
    compiled: str
    """The compiled form as JSON; the digest is its own."""
    source: str
    """The text that somebody wrote, before composition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """An immutable revision of a persona, known by the digest of its compiled form. Its two last times may change."""

    persona: str
    number: int
    digest: str
    compiled: str
    source: str
    """Empty for revisions that were stored before sources were."""
    origin: Origin
    author: str
    """The signature of who made it; empty for files."""
    note: str
    created_at: int
    published_at: int | None = None
    """When it was last made live; going back to it does not count."""
    recalled_at: int | None = None
    """Since when it may not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which revisions of a persona answer."""

    labels: Mapping[str, int]
    rollout: Sequence[Share] = ()
    recalled: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the content of a file."""

    revision: Revision
    became: Literal["live", "draft", "nothing"]
    """`nothing` if it was live already."""


class Revisions(Protocol):
    """Revisions of personas. What they hold never changes and is never removed."""

    async def add(self, draft: Draft, *, origin: Origin, author: str, note: str, now: int) -> Revision:
        """Store `draft`, if no revision of the persona has its digest, point `draft` at it and return it. Audited."""

    async def revision(self, persona: str, number: int) -> Revision | None:
        """Return this revision."""

    async def some(self, wanted: Collection[tuple[str, int]]) -> Sequence[Revision]:
        """Return those of the revisions, by persona and number, that exist."""

    async def revisions(self, persona: str) -> Sequence[Revision]:
        """Return all revisions of the persona, the newest first; none if there is no such persona."""


class Releases(Protocol):
    """Which revisions answer. Each change is one transaction, audited in it, and raises the version.

    Changes by `by` raise `Refused`: `persona_not_found` where persona or revision do not exist, `release_refused` where
    the change contradicts what is there.
    """

    async def version(self) -> int:
        """Return a number that grows with every change, whoever makes it. Cheap."""

    async def standings(self) -> Mapping[str, Standing]:
        """Return for every persona which revisions answer."""

    async def held(self) -> Mapping[str, str]:
        """Return the digest of what each persona's file held last."""

    async def take_files(self, drafts: Sequence[Draft], *, vetoed: Collection[str], now: int) -> Sequence[Taken]:
        """Store what the persona files hold and did not hold before, let it answer, and return what became of it.

        All in one transaction. What a file held before changes nothing: an operator's decision outlives a restart. New
        content becomes `live` if there is no live revision, or if it came from a file or is what this file held; else
        it becomes `draft`, as it does where its digest is in `vetoed` or its revision is recalled.
        """

    async def move(self, persona: str, label: str, number: int, *, by: str, now: int) -> Revision:
        """Let `label` point at a revision, and return it.

        For `live` this ends the rollout, takes back a recall of the revision, and makes it no draft any more.
        """

    async def roll_back(self, persona: str, *, recall: bool, by: str, now: int) -> Revision:
        """Let `live` point at the revision that was published before the live one and is not recalled; return it.

        Ends the rollout. `recall` recalls the revision that was live.
        """

    async def roll_out(self, persona: str, shares: Sequence[Share], *, by: str, now: int) -> None:
        """Give `shares` of the users other revisions than the live one; none ends the rollout."""

    async def recall(self, persona: str, number: int, *, by: str, now: int) -> Revision:
        """Let nobody use a revision any more: no label and no share points at it after this; return it."""


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


class AnyonesTurns(Protocol):
    """Turns that were accepted, whoever's they are."""

    async def of_anyone(self, turn_id: str) -> StoredTurn | None:
        """Return the turn, or None if there is none."""


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
    published_at: int | None = None
    """When it was last made live; going back to it does not count."""


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

    async def go_back(self, number: int, *, by: str, now: int) -> PolicyRevision | None:
        """Do the same, without counting as having published it: one more step back leads to what held before it."""

    async def revision(self, number: int) -> PolicyRevision | None:
        """Return this revision."""

    async def revisions(self) -> Sequence[PolicyRevision]:
        """Return all revisions, the newest first."""

    async def labels(self) -> Mapping[str, int]:
        """Return the number that each label points at."""
