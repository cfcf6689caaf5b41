"""Secrets as they are stored, and who holds one. Knows no database."""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from server.core.errors import Refused
from server.core.records import Actor, Binding, Role

HOLDER: Final = """
    SELECT keys.hash, keys.role, keys.expires_at, keys.revoked_at, users.id, users.name, users.tier,
           users.suspended, keys.id, users.organisation, users.tier_before, users.tier_changed_at,
           EXISTS (SELECT 1 FROM extras WHERE extras.user_id = users.id AND extras.voided_at IS NULL)
    FROM keys JOIN users ON users.id = keys.user_id WHERE keys.hash = """
"""The query for `holder`, but for its parameter: the hash of a secret."""

BEARER: Final = """
    SELECT client_secrets.hash, client_secrets.expires_at, client_secrets.revoked_at, users.id, users.name, users.tier,
           users.suspended, users.organisation, users.tier_before, users.tier_changed_at,
           EXISTS (SELECT 1 FROM extras WHERE extras.user_id = users.id AND extras.voided_at IS NULL),
           client_secrets.id, client_secrets.created_at, client_secrets.origin, client_secrets.persona,
           client_secrets.model, client_secrets.instructions, client_secrets.messages, client_secrets.name,
           keys.revoked_at, keys.expires_at, hosts.suspended
    FROM client_secrets JOIN users ON users.id = client_secrets.user_id JOIN keys ON keys.id = client_secrets.key_id
    JOIN users AS hosts ON hosts.id = client_secrets.minter_id WHERE client_secrets.hash = """
"""The query for `bearer`, but for its parameter: the hash of a secret."""

_NOBODY: Final[tuple[Any, ...]] = (bytes(32), "user", None, None, "", "", "", False, "", None, None, None, False)


def key_hash(secret: str) -> bytes:
    """Return what is stored of a secret. It is long and random, so that a plain hash is enough."""
    return sha256(secret.encode(errors="surrogatepass")).digest()


def bearer(row: Sequence[Any] | None, digest: bytes, now: int) -> Actor:
    """Return whom the row of `BEARER` shows. Raises `Refused` as an `Identity` does."""
    if row is None or not compare_digest(row[0], digest):
        raise _unknown()
    _, expires_at, revoked_at, user_id, name, tier, suspended, organisation, tier_before, tier_changed_at, *more = row
    has_extras, secret_id, created_at, origin, persona, model, instructions, messages, own_name, *key = more
    key_revoked_at, key_expires_at, host_suspended = key
    ends_at = expires_at if key_expires_at is None else min(expires_at, key_expires_at)
    if revoked_at is not None or key_revoked_at is not None or ends_at <= now:
        raise _unknown()
    if suspended or host_suspended:
        raise _suspended()
    return Actor(
        user_id=user_id,
        name=own_name or name,
        tier=tier,
        key_id=secret_id,
        organisation=organisation,
        tier_before=tier_before,
        tier_changed_at=tier_changed_at,
        has_extras=bool(has_extras),
        binding=Binding(
            id=secret_id,
            created_at=created_at,
            expires_at=expires_at,
            origin=origin,
            persona=persona,
            model=model,
            instructions=instructions,
            messages=messages,
        ),
    )


def holder(row: Sequence[Any] | None, digest: bytes, now: int) -> Actor:
    """Return whom the row of `HOLDER` shows. Raises `Refused` as an `Identity` does."""
    stored, role, expires_at, revoked_at, user_id, name, tier, suspended, key_id, *more = row or _NOBODY
    known = compare_digest(stored, digest)
    if not known or revoked_at is not None or (expires_at is not None and expires_at <= now):
        raise _unknown()
    if suspended:
        raise _suspended()
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


def _unknown() -> Refused:
    return Refused("invalid_api_key", "Incorrect API key provided. It is unknown, revoked or expired.")


def _suspended() -> Refused:
    return Refused("user_suspended", "An operator has suspended this user.")
