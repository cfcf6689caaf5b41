"""What single users are given, by command."""

import json
from pathlib import Path
from typing import Any

import pytest

CONFIG = "tiers: {free: {local: 5 messages / 3h, at_once: 2, pool: {local: 9 messages / 3h}}}\n"


@pytest.fixture(autouse=True)
def ana(parley: Any, tmp_path: Path) -> None:
    """There is one user."""
    (tmp_path / "parley.yaml").write_text(CONFIG, encoding="utf-8")
    assert parley("keys", "create", "--user", "ana").code == 0


def test_grants_and_overrides_are_given_listed_and_taken_back(parley: Any) -> None:
    """Both hold until their time; explain knows them; what is void is gone."""
    ran = parley("caps", "grant", "ana", "20 local messages", "--until", "10d", "--reason", "bought")
    assert (ran.code, ran.out) == (0, "")
    assert "ana has 20 local messages until " in ran.err
    assert parley("caps", "override", "ana", "local: 7 messages / 3h", "--until", "2999-01-01").code == 1
    assert parley("caps", "override", "ana", "local: 7 messages / 3h", "--until", "30d").code == 0
    grant, override = json.loads(parley("caps", "extras", "--json").out)
    assert (grant["what"], grant["reason"], grant["by"]) == ("20 local messages", "bought", "cli")
    assert override["what"] == "local: 7 messages / 3h"
    assert "20 local messages" in parley("caps", "extras", "ana").out
    why = json.loads(parley("caps", "explain", "ana", "local", "--json").out)
    caps = {cap["id"]: cap["cap"] for cap in why["caps"]}
    assert caps == {"local.messages": 7, "at_once": 2, "pool.local.messages": 9, f"grant.{grant['id']}": 20}
    assert parley("caps", "void", grant["id"]).code == 0
    assert "Nothing that holds is called" in parley("caps", "void", grant["id"]).err
    assert [one["id"] for one in json.loads(parley("caps", "extras", "ana", "--json").out)] == [override["id"]]


def test_the_end_of_a_day_is_its_last_moment(parley: Any) -> None:
    """A date holds to its end; what is no time is refused with what to write."""
    refused = parley("caps", "grant", "ana", "$5", "--until", "2020-02-30")
    assert (refused.code, "Write 30d or 2026-12-31" in refused.err) == (2, True)
    assert "An extra ends within the next 366 days" in parley("caps", "grant", "ana", "$5", "--until", "2020-01-01").err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["grant", "eve", "$5"], "There is no user eve"),
        (["grant", "ana", "five"], "is not something to give"),
        (["override", "ana", "gpt-9: unlimited", "--until", "1d"], "unknown model or group `gpt-9`"),
        (["extras", "eve"], "There is no user eve"),
    ],
)
def test_what_could_not_be_used_is_refused_with_the_way_out(command: list[str], told: str, parley: Any) -> None:
    """The line on stderr says what is wrong."""
    ran = parley("caps", *command)
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err


def test_a_user_is_put_into_an_organisation(parley: Any) -> None:
    """The list shows it, and leaving the name out takes them out of it."""
    assert parley("users", "set-organisation", "ana", "Acme Ltd").code == 0
    assert json.loads(parley("users", "list", "--json").out)[0]["organisation"] == "Acme Ltd"
    assert json.loads(parley("caps", "explain", "ana", "local", "--json").out)["organisation"] == "Acme Ltd"
    assert parley("users", "set-organisation", "ana").code == 0
    assert json.loads(parley("users", "list", "--json").out)[0]["organisation"] is None
    assert parley("users", "set-organisation", "ana", "a\nb").code == 2
