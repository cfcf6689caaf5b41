"""`/admin/caps`."""

from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

OPERATOR = {"authorization": "Bearer sk-op"}
PIN = "/admin/caps/adaptive/premium/pin"


def test_the_state_of_demand() -> None:
    """A rule shows the parts of each tier with their floors, and the limit and what runs of each of its models."""
    with visiting(World(), headers=OPERATOR) as client:
        (rule,) = client.get("/admin/caps/adaptive").json()["data"]
    assert rule["id"] == "premium"
    assert rule["tiers"] == [
        {"tier": "free", "part": 100.0, "never_below": 20, "pinned": False},
        {"tier": "plus", "part": 100.0, "never_below": 60, "pinned": False},
    ]
    assert rule["models"] == [
        {
            "model": "gpt-4",
            "limit": 4,
            "running": 0,
            "running_by_tier": {"free": 0, "plus": 0},
            "upstreams": {"mock": 4},
        }
    ]


def test_a_cap_is_pinned_and_let_go() -> None:
    """What is fixed by hand is shown with who and why until it is taken away, and both are in the audit."""
    world = World()
    with visiting(world, headers=OPERATOR) as client:
        made = client.put(PIN, json={"parts": {"free": 50}, "reason": "launch day"})
        assert made.json()["parts"] == {"free": 50}
        (rule,) = client.get("/admin/caps/adaptive").json()["data"]
        assert [(tier["part"], tier["pinned"]) for tier in rule["tiers"]] == [(50, True), (100, False)]
        assert rule["pin"]["reason"] == "launch day"
        assert client.delete(PIN).json()["deleted"] is True
        assert client.delete(PIN).json()["deleted"] is False
        (rule,) = client.get("/admin/caps/adaptive").json()["data"]
    assert rule["pin"] is None
    assert [(entry.what, entry.detail["rule"]) for entry in world.audit.kept] == [
        ("caps pinned", "premium"),
        ("caps unpinned", "premium"),
    ]


def test_a_freeze_fixes_what_is() -> None:
    """Without parts the caps stay as they are now."""
    with visiting(World(), headers=OPERATOR) as client:
        client.put(PIN, json={"parts": {"plus": 70}})
        assert client.put(PIN, json={}).json()["parts"] == {"free": 100, "plus": 70}


def test_pins_that_cannot_be() -> None:
    """A part under the floor, an unknown tier, rule or type is refused and changes nothing."""
    world = World()
    with visiting(world, headers=OPERATOR) as client:
        for parts in ({"free": 19}, {"pro": 50}, {"free": 101}, {"free": "half"}, ["free"]):
            assert error_of(client.put(PIN, json={"parts": parts})) == (400, "invalid_value")
        assert error_of(client.put("/admin/caps/adaptive/other/pin", json={})) == (404, "not_found")
    assert world.audit.kept == []


def test_an_explanation_is_asked_for_by_name() -> None:
    """User and model are query parameters; both are needed, and the user has to exist."""
    with visiting(World(), headers=OPERATOR) as client:
        found = client.get("/admin/caps/explain?user=ana&model=gpt-4")
        assert found.json() == {"user": "ana", "model": "gpt-4"}
        assert error_of(client.get("/admin/caps/explain?user=ana")) == (400, "invalid_value")
        assert error_of(client.get("/admin/caps/explain?user=bo&model=gpt-4")) == (404, "not_found")
