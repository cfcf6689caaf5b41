"""The same request id, sent twice at once."""

import asyncio

import pytest

from server.chat.claims import Abandoned, Claims
from server.core.errors import Refused
from server.core.records import Actor, TextPart
from server.core.requests import Item, TurnRequest

ANA = Actor(user_id="ana", name="Ana", tier="plus")


def request(request_id: str | None, digest: str = "d") -> TurnRequest:
    return TurnRequest(items=(Item("user", (TextPart("hi"),)),), client_request_id=request_id, body_digest=digest)


async def test_one_id_is_one_claim() -> None:
    """The second receipt of an id waits for what becomes of the first."""
    claims = Claims()
    first, second = claims.receive(ANA, request("r")), claims.receive(ANA, request("r"))
    assert (first.owner, second.owner) == (True, False)
    assert first.fate is second.fate


async def test_ids_belong_to_their_user() -> None:
    """Another user's request with the same id is another request."""
    claims = Claims()
    claims.receive(ANA, request("r"))
    assert claims.receive(Actor(user_id="bo", name="Bo", tier="plus"), request("r")).owner


async def test_another_body_is_a_conflict() -> None:
    """The same id with another body is refused at once."""
    claims = Claims()
    claims.receive(ANA, request("r"))
    with pytest.raises(Refused, match="idempotency_conflict"):
        claims.receive(ANA, request("r", "other"))


async def test_requests_without_an_id_never_join() -> None:
    """Each request without an id is its own."""
    claims = Claims()
    assert claims.receive(ANA, request(None)).fate is not claims.receive(ANA, request(None)).fate


async def test_a_refused_id_may_be_sent_again() -> None:
    """What was refused is not remembered, but those who waited share the refusal."""
    claims = Claims()
    first, second = claims.receive(ANA, request("r")), claims.receive(ANA, request("r"))
    first.fate.set_exception(Refused("usage_cap_reached", "Full."))
    with pytest.raises(Refused, match="Full"):
        await second.fate
    assert claims.receive(ANA, request("r")).owner


async def test_an_abandoned_claim_frees_its_id() -> None:
    """If the owner's socket leaves, those who wait hear of it and the id is free."""
    claims = Claims()
    first, second = claims.receive(ANA, request("r")), claims.receive(ANA, request("r"))
    claims.abandon(first)
    claims.abandon(second)
    with pytest.raises(Abandoned):
        await asyncio.shield(second.fate)
    assert claims.receive(ANA, request("r")).owner
