"""`/admin/caps/grants`, `/overrides` and `/extras`."""

from typing import Any

import pytest

from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

OPERATOR = {"authorization": "Bearer sk-op"}
SOON = "2025-12-01T00:00:00Z"
GRANT = {"user": "ana", "gives": "20 gpt-4 messages", "ends_at": SOON}
OVERRIDE = {"user": "bo", "line": "gpt-4: 9 messages / 3h", "ends_at": SOON, "reason": "beta tester"}


def test_what_is_given_is_listed_until_it_is_taken_back() -> None:
    """A grant and an override say who gave what to whom until when; one that is taken back is gone."""
    with visiting(World(), headers=OPERATOR) as client:
        grant = client.post("/admin/caps/grants", json=GRANT | {"priority": 3}).json()
        override = client.post("/admin/caps/overrides", json=OVERRIDE).json()
        assert grant == {
            "id": grant["id"],
            "object": "caps.grant",
            "user": "ana",
            "what": "20 gpt-4 messages",
            "priority": 3,
            "starts_at": "2025-11-23T12:13:20.123456Z",
            "ends_at": SOON,
            "reason": "",
            "by": "op key_op",
        }
        assert client.get("/admin/caps/extras").json()["data"] == [grant, override]
        assert client.get("/admin/caps/extras?user=bo").json()["data"] == [override]
        assert client.delete(f"/admin/caps/extras/{grant['id']}").json()["deleted"] is True
        assert client.delete(f"/admin/caps/extras/{grant['id']}").json()["deleted"] is False
        assert client.get("/admin/caps/extras").json()["data"] == [override]


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("grants", GRANT | {"user": "eve"}, (404, "not_found")),
        ("grants", GRANT | {"gives": "20 gpt-9 messages"}, (400, "invalid_value")),
        ("grants", GRANT | {"gives": "many"}, (400, "invalid_value")),
        ("grants", GRANT | {"ends_at": "2025-11-23T12:13:20.123456Z"}, (400, "invalid_value")),
        ("grants", GRANT | {"ends_at": "2026-12-01T00:00:00Z"}, (400, "invalid_value")),
        ("grants", GRANT | {"ends_at": "soon"}, (400, "invalid_value")),
        ("grants", GRANT | {"priority": 0}, (400, "invalid_value")),
        ("grants", {"user": "ana"}, (400, "missing_field")),
        ("overrides", OVERRIDE | {"line": "gpt-9: unlimited"}, (400, "invalid_value")),
        ("overrides", OVERRIDE | {"line": "unlimited"}, (400, "invalid_value")),
        ("overrides", OVERRIDE | {"line": "priority: 3"}, (400, "invalid_value")),
    ],
)
def test_what_could_not_be_used_is_not_given(path: str, body: dict[str, Any], refusal: tuple[int, str]) -> None:
    """An unknown user or model, a text that is no gift or line, a past or too distant end: nothing is kept."""
    with visiting(World(), headers=OPERATOR) as client:
        assert error_of(client.post(f"/admin/caps/{path}", json=body)) == refusal
        assert client.get("/admin/caps/extras").json()["data"] == []
        assert error_of(client.get("/admin/caps/extras?user=eve")) == (404, "not_found")
