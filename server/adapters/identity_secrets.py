"""Secrets as they are stored, and who holds one. Knows no database."""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from server.core.errors import Refused
from server.core.records import Actor, Role

HOLDER: Final = """
    SELECT keys.hash, keys.role, keys.expires_at, keys.revoked_at, users.id, users.name, users.tier,
           users.suspended, keys.id, users.organisation, users.tier_before, users.tier_changed_at,
           EXISTS (SELECT 1 FROM extras WHERE extras.user_id = users.id AND extras.voided_at IS NULL)
    FROM keys JOIN users ON users.id = keys.user_id WHERE keys.hash = """
"""The query for `holder`, but for its parameter: the hash of a secret."""

_NOBODY: Final[tuple[Any, ...]] = (bytes(32), "user", None, None, "", "", "", False, "", None, None, None, False)


def key_hash(secret: str) -> bytes:
    """Return what is stored of a secret. It is long and random, so that a plain hash is enough."""
    return sha256(secret.encode(errors="surrogatepass")).digest()


def holder(row: Sequence[Any] | None, digest: bytes, now: int) -> Actor:
    """Return whom the row of `HOLDER` shows. Raises `Refused` as an `Identity` does."""
    stored, role, expires_at, revoked_at, user_id, name, tier, suspended, key_id, *more = row or _NOBODY
    known = compare_digest(stored, digest)
    if not known or revoked_at is not None or (expires_at is not None and expires_at <= now):
        raise Refused("invalid_api_key", "Incorrect API key provided. It is unknown, revoked or expired.")
    if suspended:
        raise Refused("user_suspended", "An operator has suspended this user.")
    organisation, tier_before, tier_changed_at, has_extras = more
    return Actor(
        user_id=user_id,
        name=name,
        tier=tier,
        role=Role(role),
        key_id=key_id,
        organisation=organisation,
        tier_before=tier_before,
        tier_changed_at=tier_changed_at,
        has_extras=bool(has_extras),
    )
