"""Links that sign a browser in."""

import json
from typing import Any

import pytest


def test_a_link_is_all_that_is_printed(parley: Any) -> None:
    """It leads to this machine's server, and its code stands behind the number sign."""
    ran = parley("login")
    assert (ran.code, ran.err) == (0, "")
    address, _, code = ran.out.strip().partition("#")
    assert address == "http://127.0.0.1:8000/login"
    assert len(code) == 43
    assert [user["name"] for user in json.loads(parley("users", "list", "--json").out)] == ["local"]


def test_a_link_for_an_operator_leads_to_the_console(parley: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the address that people see, and its user the tier that was asked for."""
    monkeypatch.setenv("PARLEY_PUBLIC_URL", "https://chat.example.org")
    ran = parley("login", "--user", "ana", "--role", "operator", "--tier", "pro")
    assert ran.out.startswith("https://chat.example.org/console/login#")
    (user,) = json.loads(parley("users", "list", "--json").out)
    assert (user["name"], user["tier"]) == ("ana", "pro")


@pytest.mark.parametrize("typed", [["--user", " "], ["--user", "a\nb"], ["--role", "king"]])
def test_what_cannot_be_is_refused(parley: Any, typed: list[str]) -> None:
    """No user is made."""
    assert parley("login", *typed).code == 2
    assert parley("users", "list", "--json").out == "[]\n"


def test_a_tier_that_does_not_exist_is_refused(parley: Any) -> None:
    """The line names those that do."""
    ran = parley("login", "--tier", "gold")
    assert ran.code == 1
    assert "There is no tier gold." in ran.err
