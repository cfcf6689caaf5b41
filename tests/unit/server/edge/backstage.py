"""What stands behind the operators' doors: an audit in a list, and releases on a real database and real files."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ratelimit import Tiers, parse_tiers
from ratelimit.adaptive import Adaptive, Bounds, Rule
from server.adapters import database
from server.adapters.audit_sql import SqlAudit
from server.adapters.ids_system import SystemIds
from server.adapters.persona_files import FolderPersonas
from server.adapters.releases_sql import SqlReleases
from server.adapters.revisions_sql import SqlRevisions
from server.chat.auditing import Auditing
from server.chat.demand import Pins
from server.chat.entitlements import Entitling
from server.chat.explaining import Explaining
from server.chat.extras import ExtrasDesk
from server.chat.operations import Operations
from server.chat.policies import PolicyDesk
from server.chat.previewing import Previewing
from server.chat.recent import Recent
from server.chat.releases import Releases
from server.chat.simulating import Simulating
from server.chat.users import UserDesk
from server.core.errors import Refused
from server.core.ports import Clock
from server.core.ports_entitlements import Effect, Entitlement
from server.core.ports_extras import Extra
from server.core.ports_operator import Accounts, AuditEntry, PolicyRevision, User
from server.core.signatures import key_of
from server.settings.policy import shown


class FakeAudit:
    """Entries, oldest first."""

    def __init__(self) -> None:
        self.kept: list[AuditEntry] = []

    async def note(self, *, who: str, what: str, at: int, detail: Mapping[str, Any]) -> None:
        self.kept.append(AuditEntry(id=len(self.kept) + 1, at=at, who=who, what=what, detail=detail))

    async def entries(self, *, before: int | None, limit: int) -> Sequence[AuditEntry]:
        return [entry for entry in reversed(self.kept) if before is None or entry.id < before][:limit]


class FakeDocument:
    """One text."""

    def __init__(self) -> None:
        self.text: str | None = None

    async def read(self) -> str | None:
        return self.text

    async def change(self, work: Callable[[str | None], str | None]) -> str | None:
        self.text = work(self.text) or self.text
        return self.text


RULE = Rule(
    name="premium",
    models=("gpt-4",),
    tiers=("free", "plus"),
    floors={"free": 20, "plus": 60},
    shares={},
    watch=frozenset({"upstream_429"}),
    at_once=Bounds(least=1, start=4, most=9),
)


class FakePolicies:
    """Revisions in a list; the newest is the draft, the one that was published live."""

    def __init__(self) -> None:
        self.kept: list[PolicyRevision] = []
        self.pointed: dict[str, int] = {}

    async def publish_file(self, policy: str, *, by: str, now: int) -> tuple[PolicyRevision, bool]:
        raise NotImplementedError

    async def store(self, policy: str, *, by: str, now: int) -> PolicyRevision:
        number = len(self.kept) + 1
        self.kept.append(
            PolicyRevision(number=number, digest="d", policy=policy, origin="console", by=by, created_at=now)
        )
        self.pointed["draft"] = number
        return self.kept[-1]

    async def publish(self, number: int, *, by: str, now: int) -> PolicyRevision | None:
        self.pointed["live"] = number
        return await self.revision(number)

    async def go_back(self, number: int, *, by: str, now: int) -> PolicyRevision | None:
        raise NotImplementedError

    async def revision(self, number: int) -> PolicyRevision | None:
        return next((one for one in self.kept if one.number == number), None)

    async def revisions(self) -> Sequence[PolicyRevision]:
        return self.kept[::-1]

    async def labels(self) -> Mapping[str, int]:
        return self.pointed


def parsed(policy: Mapping[str, Any]) -> Tiers:
    """Return the tiers of a policy over one model."""
    return parse_tiers(policy["tiers"], groups=policy["groups"], models=["gpt-4"], default_tier=policy["default_tier"])


class FakeExplaining:
    """Knows one user."""

    async def explain(self, user: str, model: str) -> Mapping[str, Any]:
        if user != "ana":
            raise Refused("not_found", f"There is no user {user}.", param="user")
        return {"user": user, "model": model}


class FakeExtras:
    """Extras in a list."""

    def __init__(self) -> None:
        self.kept: list[Extra] = []

    async def add(self, extra: Extra) -> None:
        self.kept.append(extra)

    async def void(self, extra_id: str, *, by: str, now: int) -> bool:
        before = len(self.kept)
        self.kept = [one for one in self.kept if one.id != extra_id]
        return len(self.kept) < before

    async def of(self, user_id: str | None, now: int) -> Sequence[Extra]:
        return [one for one in self.kept if user_id in {None, one.user_id} and one.ends_at > now]


class FakeAccounts:
    """Has ana and bo."""

    def __init__(self) -> None:
        self.kept = {name: User(id=f"user_{name}", name=name, tier="plus", created_at=0) for name in ("ana", "bo")}

    async def users(self) -> Sequence[User]:
        return list(self.kept.values())

    async def user(self, name: str) -> User | None:
        return self.kept.get(name)


def giving(clock: Clock) -> ExtrasDesk:
    """Return a desk that knows one model."""
    tiers = parsed({"tiers": {"plus": {"gpt-4": "unlimited"}}, "groups": {}, "default_tier": "plus"})
    accounts = cast(Accounts, FakeAccounts())
    return ExtrasDesk(extras=FakeExtras(), accounts=accounts, tiers=lambda: tiers, ids=SystemIds(), clock=clock)


class FakeEntitlements:
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[Entitlement] = []

    async def apply(self, event: Entitlement) -> Effect:
        known = [one for one in self.said if one.id == event.id]
        self.said.append(event)
        return Effect(result="done", repeated=bool(known))


SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


def entitling(clock: Clock) -> Entitling:
    """Return what takes messages signed with `SECRET`, about one tier with one model."""
    tiers = parsed({"tiers": {"plus": {"gpt-4": "unlimited"}}, "groups": {}, "default_tier": "plus"})
    store = FakeEntitlements()
    return Entitling(key=key_of(SECRET), entitlements=store, tiers=lambda: tiers, ids=SystemIds(), clock=clock)


def operations(audit: FakeAudit, clock: Clock) -> Operations:
    """Return the use cases of operators on fakes; personas have no releases."""
    return Operations(
        audit=Auditing(audit=audit, clock=clock),
        releases=cast(Releases, None),
        explaining=cast(Explaining, FakeExplaining()),
        extras=giving(clock),
        users=cast(UserDesk, None),
        previewing=cast(Previewing, None),
        simulating=cast(Simulating, None),
        recent=Recent(clock=clock, prices={}),
        policies=PolicyDesk(policies=FakePolicies(), parse=parsed, shown=shown, clock=clock),
        pins=Pins(document=FakeDocument(), audit=audit, rules=[RULE], clock=clock),
        adaptive=Adaptive(rules=[RULE], upstreams={"gpt-4": ["mock"]}, lease_us=1, clock=lambda: 0),
    )


class Ticks:
    """A clock that never says the same twice."""

    def __init__(self) -> None:
        self._at = 1_700_000_000_000_000

    def now(self) -> int:
        self._at += 1_000_000
        return self._at

    def monotonic(self) -> float:
        return 0.0


@contextmanager
def releasing(folder: Path, **changes: Any) -> Iterator[Operations]:
    """Give the use cases of operators on a database in `folder` and the persona files in `folder/personas`."""
    clock = Ticks()
    (folder / "personas").mkdir(exist_ok=True)
    database.migrate(folder / database.FILE)
    base = database.SqliteDatabase(folder / database.FILE)
    parts: dict[str, Any] = {
        "revisions": SqlRevisions(base),
        "releases": SqlReleases(base),
        "files": FolderPersonas([folder / "personas"]),
        "clock": clock,
        "weigh": lambda *_: (),
    }
    try:
        yield replace(
            operations(FakeAudit(), clock),
            audit=Auditing(audit=SqlAudit(base), clock=clock),
            releases=Releases(**(parts | changes)),
        )
    finally:
        base.close()
