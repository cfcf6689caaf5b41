"""What operators do with the policy: look at its revisions, compare, store, publish and roll back."""

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ratelimit import InvalidTiers
from server.chat.policing import Parse, text_of
from server.core.errors import Refused
from server.core.ports import Clock
from server.core.ports_operator import Policies, PolicyRevision


class PolicyDesk:
    """The revisions of the policy, for operators. Nothing is stored or published that could not be enforced.

    `shown` makes lines for people of a policy, for the differences.
    """

    def __init__(
        self, *, policies: Policies, parse: Parse, shown: Callable[[Mapping[str, Any]], str], clock: Clock
    ) -> None:
        self._policies, self._parse, self._shown, self._clock = policies, parse, shown, clock

    async def revisions(self) -> tuple[Sequence[PolicyRevision], Mapping[str, int]]:
        """Return all revisions, the newest first, and the labels."""
        return await self._policies.revisions(), await self._policies.labels()

    async def find(self, name: str) -> PolicyRevision:
        """Return a revision by its number or label. Raises `Refused`."""
        labels = await self._policies.labels()
        number = int(name) if name.isdecimal() and len(name) < 10 else labels.get(name)  # noqa: PLR2004
        revision = None if number is None else await self._policies.revision(number)
        if revision is None:
            newest = max((one.number for one in await self._policies.revisions()), default=0)
            known = ", ".join([*labels, f"numbers up to {newest}"])
            raise Refused("not_found", f"There is no policy {name}. There are: {known}.", param="revision")
        return revision

    async def diff(self, before: str, after: str) -> str:
        """Return the lines that differ between two revisions; empty if none does. Raises `Refused`."""
        first, second = await self.find(before), await self.find(after)
        lines = difflib.unified_diff(
            self._lines(first), self._lines(second), f"policy {first.number}", f"policy {second.number}", lineterm=""
        )
        return "\n".join(lines)

    async def store(self, policy: Mapping[str, Any], *, by: str) -> PolicyRevision:
        """Store a policy as the draft. Raises `Refused` with all contradictions."""
        self._check(policy)
        return await self._policies.store(text_of(policy), by=by, now=self._clock.now())

    async def publish(self, name: str, *, by: str) -> PolicyRevision:
        """Let a revision hold on all nodes within a second. Raises `Refused`, and then the running one stays."""
        revision = await self.find(name)
        self._check(json.loads(revision.policy))
        await self._policies.publish(revision.number, by=by, now=self._clock.now())
        return revision

    async def roll_back(self, *, by: str) -> PolicyRevision:
        """Let the revision hold again that was published before the live one. Raises `Refused`."""
        revisions, labels = await self.revisions()
        live = next((one for one in revisions if one.number == labels.get("live")), None)
        until = live.published_at if live is not None and live.published_at is not None else 0
        held = [(one.published_at, one.number, one) for one in revisions if one.published_at is not None]
        before = max((one for one in held if one[0] < until), default=None)
        if before is None:
            raise Refused(
                "release_refused",
                "No policy was live before this one. Publish the one that is to hold.",
                param="revision",
            )
        *_, revision = before
        self._check(json.loads(revision.policy))
        await self._policies.go_back(revision.number, by=by, now=self._clock.now())
        return revision

    def _check(self, policy: Mapping[str, Any]) -> None:
        try:
            self._parse(policy)
        except InvalidTiers as invalid:
            raise Refused("invalid_value", "; ".join(map(str, invalid.errors)), param="policy") from None

    def _lines(self, revision: PolicyRevision) -> list[str]:
        return self._shown(json.loads(revision.policy)).splitlines()
