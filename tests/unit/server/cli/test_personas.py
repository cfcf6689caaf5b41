"""Personas on the command line: listed, checked, shown."""

import json
from pathlib import Path
from typing import Any

import pytest

GOOD = """\
---
spec: persona/1
name: friend
summary: A friend.
---
You are a friend.
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a folder of personas that the configuration names."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (tmp_path / "parley.yaml").write_text("personas: [mine]\n", encoding="utf-8")
    (folder / "friend.md").write_text(GOOD, encoding="utf-8")
    return folder


def test_the_list_has_shipped_and_own_personas(parley: Any, mine: Path) -> None:
    """Programs get name, revision and labels; the house is no persona to talk to."""
    ran = parley("personas", "list", "--json")
    rows = json.loads(ran.out)
    names = [row["name"] for row in rows]
    assert {"assistant", "friend"} <= set(names)
    assert "house" not in names
    assert list(rows[0]) == ["name", "revision", "labels"]
    assert ran.err == ""
    assert "friend" in parley("personas", "list").out


def test_lint_tells_file_line_and_cure_and_fails(parley: Any, mine: Path) -> None:
    """A broken file is an error with its place; a good one is not mentioned."""
    (mine / "broken.md").write_text(GOOD.replace("friend", "broken") + "{{ nobody.knows }}\n", encoding="utf-8")
    ran = parley("personas", "lint")
    assert ran.code == 1
    assert "broken.md:7: error:" in ran.out
    (problem,) = json.loads(parley("personas", "lint", "--json", "mine/broken.md").out)
    assert (problem["line"], problem["severity"]) == (7, "error")


def test_lint_of_one_path_leaves_the_others_out(parley: Any, mine: Path, tmp_path: Path) -> None:
    """A file, its folder or a folder of personas can be named, inside the configuration or not."""
    (mine / "broken.md").write_text("no front matter", encoding="utf-8")
    own = tmp_path / "else" / "buddy"
    own.mkdir(parents=True)
    (own / "persona.md").write_text(GOOD.replace("friend", "buddy"), encoding="utf-8")
    for path in ("mine/friend.md", "else/buddy/persona.md", "else/buddy", "else"):
        ran = parley("personas", "lint", path)
        assert (ran.code, ran.out, ran.err) == (0, "", "No problems.\n"), path
    assert parley("personas", "lint", "mine").code == 1
    absent = parley("personas", "lint", "absent.md")
    assert absent.code == 1
    assert "There is nothing at absent.md." in absent.err


def test_show_prints_what_the_persona_is(parley: Any) -> None:
    """The compiled persona, for people and for programs."""
    assert "name: pirate" in parley("personas", "show", "pirate").out
    assert json.loads(parley("personas", "show", "pirate", "--json").out)["name"] == "pirate"


def test_the_models_view_is_what_a_model_gets(parley: Any, mine: Path) -> None:
    """House first, then the persona, the newest message last, and no template left in it."""
    ran = parley("personas", "show", "friend", "--as-model-sees", "--json")
    messages = json.loads(ran.out)
    assert [message["role"] for message in messages] == ["system", "user"]
    assert "You are a friend." in messages[0]["content"]
    assert messages[0]["content"].index("House rules") < messages[0]["content"].index("You are a friend.")
    assert "{{" not in ran.out
    assert "[system]\n" in parley("personas", "show", "friend", "--as-model-sees", "--model", "local").out


def test_an_unknown_name_is_told_with_names_like_it(parley: Any) -> None:
    """Personas and models."""
    assert parley("personas", "show", "pirat").err == "parley: There is no persona 'pirat'. Did you mean pirate?\n"
    ran = parley("personas", "show", "pirate", "--as-model-sees", "--model", "gpt")
    assert (ran.code, ran.err) == (1, "parley: There is no model gpt. Name one of: local.\n")
