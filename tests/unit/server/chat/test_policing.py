"""The live policy on one node."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ratelimit import Tiers, parse_tiers
from server.adapters import database
from server.adapters.policies_sql import SqlPolicies
from server.chat.policies import PolicyDesk
from server.chat.policing import Policing, text_of
from server.core.errors import Refused
from server.core.ports import Happened
from server.settings.policy import shown
from tests.harness import FakeClock


def policy(cap: str, model: str = "gpt-4") -> dict[str, Any]:
    """Return a policy of one line."""
    return {"groups": {}, "tiers": {"free": {model: cap}}, "default_tier": "free"}


def parse(found: Mapping[str, Any]) -> Tiers:
    """Return the tiers of a policy on a node that has one model."""
    return parse_tiers(found["tiers"], groups=found["groups"], models=["gpt-4"], default_tier=found["default_tier"])


async def never(_: float) -> None:
    """Sleep until cancelled: the test looks by itself."""
    await asyncio.Event().wait()


class Node:
    """One node and an operator, on one database."""

    def __init__(self, base: database.Database, own: Mapping[str, Any]) -> None:
        self.policies = SqlPolicies(base)
        self.clock = FakeClock()
        self.heard: list[str] = []
        self.policing = Policing(
            own=own, parse=parse, policies=self.policies, clock=self.clock, observer=self, sleep=never
        )
        self.desk = PolicyDesk(policies=self.policies, parse=parse, shown=shown, clock=self.clock)

    def saw(self, happened: Happened) -> None:
        self.heard.append(happened.name)

    @property
    def cap(self) -> str:
        """The cap that holds."""
        return self.policing.tiers().table()[0].cap


async def test_what_an_operator_publishes_holds_at_the_next_look(tmp_path: Path) -> None:
    """The file holds first, then the published revision, then the one before it again."""
    database.migrate(tmp_path / "parley.db")
    async with database.opened(tmp_path / "parley.db") as base:
        node = Node(base, policy("5 messages / 3h"))
        async with node.policing:
            assert node.cap == "5 messages / 3h"
            draft = await node.desk.store(policy("7 messages / 3h"), by="op")
            await node.policing.look()
            assert node.cap == "5 messages / 3h"
            assert "-    gpt-4: 5 messages / 3h\n+    gpt-4: 7 messages / 3h" in await node.desk.diff("live", "draft")
            node.clock.at += 1
            await node.desk.publish(str(draft.number), by="op")
            await node.policing.look()
            assert node.cap == "7 messages / 3h"
            await node.desk.roll_back(by="op")
            await node.policing.look()
            assert node.cap == "5 messages / 3h"
            with pytest.raises(Refused, match="No policy was live before"):
                await node.desk.roll_back(by="op")
    assert node.heard == ["policy_live", "policy_live"]


async def test_the_way_back_passes_over_what_never_held(tmp_path: Path) -> None:
    """Each step leads to what was published before, whatever its number; a draft never comes to hold by it."""
    clock = FakeClock()
    database.migrate(tmp_path / "parley.db")
    async with database.opened(tmp_path / "parley.db") as base:
        desk = PolicyDesk(policies=SqlPolicies(base), parse=parse, shown=shown, clock=clock)
        for hours in (1, 2, 3, 4):
            await desk.store(policy(f"5 messages / {hours}h"), by="op")
        for published in ("3", "1", "4"):
            clock.at += 1
            await desk.publish(published, by="op")
        clock.at += 1
        assert [(await desk.roll_back(by="op")).number for _ in range(2)] == [1, 3]
        assert (await desk.revisions())[1]["live"] == 3
        with pytest.raises(Refused, match="No policy was live before"):
            await desk.roll_back(by="op")


async def test_a_file_does_not_take_an_operators_policy_away(tmp_path: Path) -> None:
    """A node whose file has changed starts with the operator's revision, and says that the file waits."""
    database.migrate(tmp_path / "parley.db")
    async with database.opened(tmp_path / "parley.db") as base:
        first = Node(base, policy("5 messages / 3h"))
        async with first.policing:
            made = await first.desk.store(policy("7 messages / 3h"), by="op")
            await first.desk.publish(str(made.number), by="op")
        second = Node(base, policy("6 messages / 3h"))
        async with second.policing:
            assert second.cap == "7 messages / 3h"
    assert second.heard == ["policy_waits", "policy_live"]


async def test_a_policy_that_cannot_hold_leaves_the_running_one(tmp_path: Path) -> None:
    """A contradiction is neither stored nor published; one from a node with other models is told and not taken."""
    database.migrate(tmp_path / "parley.db")
    async with database.opened(tmp_path / "parley.db") as base:
        node = Node(base, policy("5 messages / 3h"))
        async with node.policing:
            with pytest.raises(Refused, match="unknown model or group `gpt-9`"):
                await node.desk.store(policy("7 messages / 3h", "gpt-9"), by="op")
            assert len(await node.policies.revisions()) == 1
            alien = await node.policies.store(text_of(policy("7 messages / 3h", "gpt-9")), by="other", now=1)
            with pytest.raises(Refused, match="did you mean `gpt-4`"):
                await node.desk.publish("draft", by="op")
            await node.policies.publish(alien.number, by="other", now=2)
            await node.policing.look()
            await node.policing.look()
            assert node.cap == "5 messages / 3h"
            with pytest.raises(Refused, match="There is no policy 99"):
                await node.desk.publish("99", by="op")
    assert node.heard == ["policy_refused"]
