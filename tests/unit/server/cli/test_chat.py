"""How `parley chat` finds its server and its key."""

from pathlib import Path
from typing import Any

import pytest

from server.cli.chat import KEY_FILE, local_key, local_url
from server.settings import load


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:80", "http://127.0.0.1:80"),
        ("[::1]:80", "http://[::1]:80"),
    ],
)
def test_the_server_of_this_machine_is_where_it_listens(listen: str, url: str) -> None:
    """Every interface includes the one that needs no network."""
    assert local_url(load(None, {"PARLEY_LISTEN": listen})) == url


def test_the_local_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """It is used again as long as it works."""
    settings = load(None, {"PARLEY_DATA": str(tmp_path / "data")})
    key = local_key(settings)
    assert local_key(settings) == key
    assert (tmp_path / "data" / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_local_key_that_no_longer_works_is_replaced(tmp_path: Path, parley: Any) -> None:
    """A restored or emptied database does not lock anybody out."""
    settings = load(None, {"PARLEY_DATA": str(tmp_path / "data")})
    key = local_key(settings)
    for file in (tmp_path / "data").glob("parley.db*"):
        file.unlink()
    assert local_key(settings) != key
    assert '"tier": "plus"' in parley("users", "list", "--json").out


def test_nobody_at_the_address_is_one_line_and_exit_code_1(parley: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed into a pipe, too."""
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.StringIO("hi\n"))
    ran = parley("chat", "--url", "http://127.0.0.1:9", "--key", "sk-1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("No Parley answers at http://127.0.0.1:9")
