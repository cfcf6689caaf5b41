"""`/admin/caps/policies`."""

from typing import Any

from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

OPERATOR = {"authorization": "Bearer sk-op"}
ROOT = "/admin/caps/policies"


def body(line: str) -> dict[str, Any]:
    """Return a policy of one line."""
    return {"tiers": {"free": {"gpt-4": line}}, "default_tier": "free"}


def test_a_policy_is_stored_looked_at_and_published() -> None:
    """A stored policy is the draft, shows what differs from the live one, and is live once it is published."""
    with visiting(World(), headers=OPERATOR) as client:
        first = client.post(ROOT, json=body("5 messages / 3h")).json()
        assert (first["id"], first["labels"], first["by"]) == (1, ["draft"], "op key_op")
        assert client.post(f"{ROOT}/1/publish").json()["id"] == 1
        client.post(ROOT, json=body("7 messages / 3h"))
        draft = client.get(f"{ROOT}/draft").json()
        assert draft["policy"]["tiers"] == {"free": {"gpt-4": "7 messages / 3h"}}
        assert "+    gpt-4: 7 messages / 3h" in draft["diff"]
        assert client.post(f"{ROOT}/draft/publish").json()["id"] == 2
        assert [one["id"] for one in client.get(ROOT).json()["data"]] == [2, 1]


def test_policies_that_cannot_be_are_refused() -> None:
    """A contradiction, a missing field or an unknown revision is an error and stores nothing."""
    with visiting(World(), headers=OPERATOR) as client:
        assert error_of(client.post(ROOT, json=body("many"))) == (400, "invalid_value")
        assert error_of(client.post(ROOT, json={"tiers": {}})) == (400, "missing_field")
        assert error_of(client.post(ROOT, json={"tiers": [], "default_tier": "a"})) == (400, "invalid_value")
        assert error_of(client.post(f"{ROOT}/7/publish")) == (404, "not_found")
        assert error_of(client.get(f"{ROOT}/live")) == (404, "not_found")
        assert client.get(ROOT).json()["data"] == []
