"""What every store of policies promises."""

import pytest

from server.adapters.audit_sql import SqlAudit
from server.adapters.policies_sql import SqlPolicies
from server.core.ports_operator import Policies
from tests.contracts.conftest import Store


@pytest.fixture
def policies(store: Store) -> Policies:
    return SqlPolicies(store.base)


async def test_a_file_holds_until_an_operator_publishes(policies: Policies) -> None:
    """A changed file becomes live after a file, and only a draft after an operator's revision."""
    first, live = await policies.publish_file("one", by="server", now=1)
    assert (first.number, first.origin, live) == (1, "file", True)
    second, live = await policies.publish_file("two", by="server", now=2)
    assert (second.number, live, await policies.labels()) == (2, True, {"live": 2})
    written = await policies.store("three", by="op", now=3)
    assert (written.origin, await policies.labels()) == ("console", {"live": 2, "draft": 3})
    await policies.publish(3, by="op", now=4)
    fourth, live = await policies.publish_file("four", by="server", now=5)
    assert (fourth.number, live, await policies.labels()) == (4, False, {"live": 3, "draft": 4})


async def test_the_same_content_is_the_same_revision(policies: Policies) -> None:
    """A restart, or storing again what is live, makes nothing new."""
    await policies.publish_file("one", by="server", now=1)
    again, live = await policies.publish_file("one", by="server", now=2)
    assert (again.number, again.created_at, live) == (1, 1, True)
    assert (await policies.store("one", by="op", now=3)).number == 1
    assert await policies.labels() == {"live": 1}


async def test_publishing_moves_the_label_and_takes_the_draft(policies: Policies) -> None:
    """What is live is no draft; an unknown number moves nothing; the revisions stay."""
    await policies.publish_file("one", by="server", now=1)
    await policies.store("two", by="op", now=2)
    published = await policies.publish(2, by="op", now=3)
    assert published is not None
    assert await policies.labels() == {"live": 2}
    assert await policies.publish(9, by="op", now=4) is None
    assert await policies.labels() == {"live": 2}
    assert [one.policy for one in await policies.revisions()] == ["two", "one"]
    assert await policies.revision(9) is None


async def test_going_back_is_no_publishing(policies: Policies, store: Store) -> None:
    """The label moves and the times stay, so that one more step back can be told; the audit has it."""
    await policies.publish_file("one", by="server", now=1)
    await policies.store("two", by="op", now=2)
    await policies.publish(2, by="op", now=3)
    await policies.store("three", by="op", now=4)
    back = await policies.go_back(1, by="op", now=5)
    assert back is not None
    assert await policies.labels() == {"live": 1, "draft": 3}
    assert [one.published_at for one in await policies.revisions()] == [None, 3, 1]
    assert await policies.go_back(9, by="op", now=6) is None
    (entry,) = await SqlAudit(store.base).entries(before=None, limit=1)
    assert (entry.who, entry.what, entry.detail) == ("op", "policy rolled back", {"revision": 1, "was": 2})
    await policies.publish(1, by="op", now=7)
    assert (await policies.revisions())[-1].published_at == 1  # it was live: that changes nothing
    await policies.publish(2, by="op", now=8)
    assert [one.published_at for one in await policies.revisions()] == [None, 8, 1]


async def test_changes_are_in_the_audit(policies: Policies, store: Store) -> None:
    """Who stored and who published is noted, and what changed nothing is not."""
    await policies.publish_file("one", by="server", now=1)
    await policies.publish_file("one", by="server", now=2)
    await policies.store("two", by="ana key_1", now=3)
    await policies.publish(2, by="ana key_1", now=4)
    await policies.publish(2, by="ana key_1", now=5)
    entries = await SqlAudit(store.base).entries(before=None, limit=9)
    assert [(entry.who, entry.what, entry.detail["revision"]) for entry in reversed(entries)] == [
        ("server", "policy published", 1),
        ("ana key_1", "policy stored", 2),
        ("ana key_1", "policy published", 2),
    ]
