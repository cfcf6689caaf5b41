"""`/admin/audit`."""

import asyncio

from server.core.records import Actor, Role
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

OPERATOR = {"authorization": "Bearer sk-op"}
OP = Actor("op", "Op", "plus", Role.OPERATOR, key_id="key_1")


def test_who_did_what() -> None:
    """An entry names the user and the key, the time, what was done and to what."""
    world = World()
    asyncio.run(world.services.operations.audit.note(OP, "user changed", user="bo", tier="pro"))
    with visiting(world, headers=OPERATOR) as client:
        (entry,) = client.get("/admin/audit").json()["data"]
    assert entry["at"].endswith("Z")
    assert (entry["who"], entry["what"], entry["detail"]) == (
        "Op key_1",
        "user changed",
        {"user": "bo", "tier": "pro"},
    )


def test_pages_of_the_audit() -> None:
    """The newest entries come first; a page is followed by the one `after` its last id."""
    world = World()
    for number in range(3):
        asyncio.run(world.services.operations.audit.note(OP, f"thing {number}"))
    with visiting(world, headers=OPERATOR) as client:
        first = client.get("/admin/audit?limit=2").json()
        assert [entry["what"] for entry in first["data"]] == ["thing 2", "thing 1"]
        assert first["has_more"] is True
        last = client.get(f"/admin/audit?limit=2&after={first['last_id']}").json()
        assert ([entry["what"] for entry in last["data"]], last["has_more"]) == (["thing 0"], False)
        assert error_of(client.get("/admin/audit?after=x")) == (400, "invalid_value")
