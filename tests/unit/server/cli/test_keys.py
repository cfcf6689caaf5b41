"""Keys: made, listed, revoked."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from server.adapters.clock_system import SystemClock
from server.adapters.identity_sqlite import SqliteIdentity
from server.core.errors import Refused
from server.core.records import Actor


def holder(folder: Path, secret: str) -> Actor:
    """Return who holds the key, as the server sees it."""
    with SqliteIdentity(folder / "data" / "parley.db") as identity:
        return asyncio.run(identity.actor(secret, SystemClock().now()))


def test_a_key_is_all_that_is_printed_and_it_works(parley: Any, tmp_path: Path) -> None:
    """The output can be put into a variable; the user has the tier and the key the role that were asked for."""
    ran = parley("keys", "create", "--user", "ana", "--tier", "pro", "--role", "developer", "--expires", "30d")
    assert (ran.code, ran.err) == (0, "")
    secret = ran.out.strip()
    assert ran.out == f"{secret}\n"
    assert secret.startswith("sk-")
    actor = holder(tmp_path, secret)
    assert (actor.name, actor.tier, actor.role) == ("ana", "pro", "developer")


def test_a_new_user_has_the_default_tier(parley: Any, tmp_path: Path) -> None:
    """Without --tier the configuration decides, and a second key leaves the tier as it is."""
    assert holder(tmp_path, parley("keys", "create", "--user", "ana").out.strip()).tier == "free"
    parley("users", "set-tier", "ana", "plus")
    assert holder(tmp_path, parley("keys", "create", "--user", "ana").out.strip()).tier == "plus"


def test_keys_are_listed_without_their_secret(parley: Any) -> None:
    """The list recognises a key by its first characters and says when it ends."""
    assert json.loads(parley("keys", "list", "--json").out) == []
    secret = parley("keys", "create", "--user", "ana", "--expires", "1d").out.strip()
    ran = parley("keys", "list", "--json")
    (row,) = json.loads(ran.out)
    assert (row["user"], row["role"], row["revoked_at"]) == ("ana", "user", None)
    assert secret.startswith(row["hint"])
    assert row["expires_at"] > row["created_at"]
    assert ran.err == ""
    assert secret not in ran.out
    assert row["id"] in parley("keys", "list").out


def test_a_revoked_key_no_longer_works(parley: Any, tmp_path: Path) -> None:
    """Revoking is for good, and a second time is told."""
    secret = parley("keys", "create", "--user", "ana").out.strip()
    (row,) = json.loads(parley("keys", "list", "--json").out)
    assert parley("keys", "revoke", row["id"]).code == 0
    with pytest.raises(Refused, match="invalid_api_key"):
        holder(tmp_path, secret)
    again = parley("keys", "revoke", row["id"])
    assert again.code == 1
    assert "parley keys list" in again.err


def test_an_unknown_tier_is_refused_with_the_tiers_there_are(parley: Any) -> None:
    """A typing mistake makes no user without caps."""
    ran = parley("keys", "create", "--user", "ana", "--tier", "gold")
    assert (ran.code, ran.out) == (1, "")
    assert "Name one of: free, plus, pro." in ran.err
    assert json.loads(parley("users", "list", "--json").out) == []


def test_a_time_that_is_none_is_a_usage_error(parley: Any) -> None:
    """`--expires` takes durations."""
    ran = parley("keys", "create", "--user", "ana", "--expires", "soon")
    assert ran.code == 2
    assert "soon is not a duration" in ran.err


@pytest.mark.parametrize("name", ["", "  ", "two\nlines"])
def test_a_user_has_a_name_that_can_be_read(name: str, parley: Any) -> None:
    """A slip of a script makes no user that nobody can name."""
    ran = parley("keys", "create", "--user", name)
    assert (ran.code, ran.out) == (2, "")
    assert "A name is one line of visible characters." in ran.err
    assert parley("users", "list").out.startswith("There are no users.")
