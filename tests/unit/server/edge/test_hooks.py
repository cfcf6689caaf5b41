"""`/hooks/entitlements`."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.core.signatures import key_of, signature
from tests.unit.server.edge.backstage import SECRET
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World
from tests.unit.server.edge.stories import NOW

AT = "2025-11-23T12:00:00Z"
TIER = {"type": "tier.set", "timestamp": AT, "data": {"user": "ana", "tier": "plus"}}
GIVEN = {
    "type": "grant.given",
    "timestamp": AT,
    "data": {"user": "ana", "gives": "20 gpt-4 messages", "ends_at": "2025-12-24T00:00:00Z"},
}


def send(client: TestClient, body: Any, message_id: str = "e1", **headers: str) -> Any:
    """Send a signed message, with other headers in place of the right ones."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = str(NOW // 1_000_000)
    signed = {
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": signature(key_of(SECRET), message_id, at, raw),
    }
    return client.post("/hooks/entitlements", content=raw, headers=signed | headers)


def test_signed_messages_are_done_without_a_key() -> None:
    """The signature is what lets them in; each tells what became of it, a repeated one that it was."""
    with visiting(World(), headers={}) as client:
        for number, body in enumerate(
            [TIER, GIVEN, {"type": "grant.taken_back", "timestamp": AT, "data": {"event": "e1"}}]
        ):
            answer = send(client, body, f"e{number}")
            assert (answer.status_code, answer.json()["result"], answer.json()["repeated"]) == (200, "done", False)
        assert send(client, TIER, "e0").json()["repeated"] is True


def test_what_is_not_signed_is_refused() -> None:
    """An operator's key is no signature, and nothing of the body is looked at."""
    with visiting(World(), headers={"authorization": "Bearer sk-op"}) as client:
        assert error_of(client.post("/hooks/entitlements", json=TIER)) == (401, "invalid_signature")
        assert error_of(send(client, b"not JSON", **{"webhook-id": "e2"})) == (401, "invalid_signature")


def test_a_server_without_the_secret_takes_none() -> None:
    """There is nothing at the address, signed or not."""
    world = World()
    world.services.entitling.key = None
    with visiting(world, headers={}) as client:
        assert error_of(send(client, TIER)) == (404, "not_found")


def changed(body: dict[str, Any], **data: Any) -> dict[str, Any]:
    return body | {"data": body["data"] | data}


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"not JSON", (400, "invalid_json")),
        (b"x" * 65_537, (413, "message_too_large")),
        (TIER | {"type": "tier.unset"}, (400, "invalid_value")),
        (TIER | {"timestamp": "yesterday"}, (400, "invalid_value")),
        ({"type": "tier.set", "data": TIER["data"]}, (400, "missing_field")),
        (changed(TIER, tier="gold"), (400, "invalid_value")),
        (changed(TIER, user=None), (400, "missing_field")),
        (changed(GIVEN, gives="20 gpt-9 messages"), (400, "invalid_value")),
        (changed(GIVEN, ends_at=AT), (400, "invalid_value")),
        (changed(GIVEN, ends_at="2027-01-01T00:00:00Z"), (400, "invalid_value")),
        (changed(GIVEN, priority=0), (400, "invalid_value")),
    ],
)
def test_what_says_nothing_that_can_be_done_is_refused(body: Any, refusal: tuple[int, str]) -> None:
    """Signed messages too are checked against what there is."""
    with visiting(World(), headers={}) as client:
        assert error_of(send(client, body)) == refusal
