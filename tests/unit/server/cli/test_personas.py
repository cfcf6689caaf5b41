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


def test_problems_come_in_the_order_of_their_lines(parley: Any, mine: Path) -> None:
    """Who corrects a file goes through it once, from the top; the list says that it is refused."""
    text = GOOD.replace("friend", "broken").replace("summary", "sumary").replace("---\nYou", "avatar: 3\n---\nYou")
    (mine / "broken.md").write_text(text, encoding="utf-8")
    problems = json.loads(parley("personas", "lint", "--json").out)
    assert len(problems) > 1
    assert problems == sorted(problems, key=lambda problem: problem["line"])
    ran = parley("personas", "list")
    assert "broken" not in ran.out
    assert ran.err == "Refused for their errors: broken. `parley personas lint` tells them.\n"


def test_lint_looks_at_the_deployment_too(parley: Any, mine: Path) -> None:
    """A model that is not configured, a picture that is missing and a text too long for its model are warnings."""
    fields = "avatar: face.webp\nmodel: { use: [local, gpt-9] }\n---\n"
    text = GOOD.replace("---\nYou", f"{fields}You").replace(
        "a friend.\n", "a friend.\n" + "Be kind to everyone. " * 600
    )
    (mine / "friend.md").write_text(text, encoding="utf-8")
    ran = parley("personas", "lint", "--json", "mine/friend.md")
    told = {problem["code"]: problem for problem in json.loads(ran.out)}
    assert ran.code == 0
    assert {code: (one["line"], one["severity"]) for code, one in told.items()} == {
        "avatar": (5, "warning"),
        "unknown_model": (6, "warning"),
        "too_heavy": (1, "warning"),
    }
    assert "`gpt-9`" in told["unknown_model"]["message"]
    assert "`local`" in told["too_heavy"]["message"]


def test_lint_says_what_it_read(parley: Any, mine: Path) -> None:
    """A file in a folder that the configuration does not name is missed by somebody, not by nobody."""
    assert "friend, " in parley("personas", "lint").err
    (mine.parent / "parley.yaml").unlink()
    assert parley("personas", "lint").err.startswith("No problems in assistant, ")
    assert "friend" not in parley("personas", "lint").err


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
    shown = parley("personas", "show", "pirate").out
    assert "name: pirate" in shown
    assert "- heading: House rules\n  text: |-\n    - " in shown
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


def test_the_models_view_tells_what_has_no_room(parley: Any, mine: Path) -> None:
    """Examples that a small model does not get are not shown as if it did, and their number is told."""
    example = f"  - {{ user: Hi, assistant: {'Good day to you. ' * 400}}}\n"
    text = GOOD.replace("---\nYou", f"examples:\n{example}---\nYou")
    (mine / "friend.md").write_text(text, encoding="utf-8")
    ran = parley("personas", "show", "friend", "--as-model-sees")
    assert "Good day" not in ran.out
    assert "Of examples, 1 had no room." in ran.err


def test_an_unknown_name_is_told_with_names_like_it(parley: Any) -> None:
    """Personas and models."""
    assert parley("personas", "show", "pirat").err == "parley: There is no persona 'pirat'. Did you mean pirate?\n"
    assert "`parley personas list` shows all." in parley("personas", "show", "nobody").err
    ran = parley("personas", "show", "pirate", "--as-model-sees", "--model", "gpt")
    assert (ran.code, ran.err) == (1, "parley: There is no model gpt. Name one of: local.\n")


def test_a_card_is_imported_and_exported(parley: Any, mine: Path, tmp_path: Path) -> None:
    """It lands in the configured folder, and goes out again as it came, over nothing that is there."""
    card = {"name": "Wren", "description": "Keeps the light. {{random:a}}", "first_mes": "Hm?", "mes_example": ""}
    (tmp_path / "wren.json").write_text(json.dumps(card | {"avatar": "none"}), encoding="utf-8")
    ran = parley("personas", "import", "wren.json")
    assert (ran.code, ran.out) == (0, "mine/wren/persona.md\n")
    assert "owner_only: true" in (mine / "wren" / "persona.md").read_text(encoding="utf-8")
    assert parley("personas", "lint", "mine/wren").code == 0
    assert "There is already a file wren.json." in parley("personas", "export", "wren", "--format", "card").err
    ran = parley("personas", "export", "wren", "--format", "card", "-o", "back.json")
    assert (ran.code, ran.out) == (0, "back.json\n")
    back = json.loads((tmp_path / "back.json").read_bytes())
    assert back["data"]["description"] == card["description"]
    assert back["avatar"] == "none"


def test_an_import_overwrites_nothing(parley: Any, mine: Path, tmp_path: Path) -> None:
    """A name that is taken, by a shipped persona too, is refused before anything is written."""
    rows = [{"name": name, "preprompt": "Hello."} for name in ("New One", "Pirate")]
    (tmp_path / "two.json").write_text(json.dumps(rows), encoding="utf-8")
    ran = parley("personas", "import", "two.json", "--into", "elsewhere")
    assert ran.code == 1
    assert "There is already a persona pirate." in ran.err
    assert not (tmp_path / "elsewhere").exists()


def test_an_import_elsewhere_says_how_to_have_it_served(parley: Any, tmp_path: Path) -> None:
    """A folder that the configuration does not name is made, and the way on is told."""
    (tmp_path / "one.json").write_text('{"name": "New One", "preprompt": "Hello."}', encoding="utf-8")
    ran = parley("personas", "import", "one.json", "--into", "elsewhere")
    assert ran.out == "elsewhere/new-one/persona.md\n"
    assert "Add elsewhere to `personas`" in ran.err


def test_a_file_of_no_known_format_is_refused(parley: Any, tmp_path: Path) -> None:
    """The line says which file and what could be imported; a file that is not there is told too."""
    (tmp_path / "odd.json").write_text('{"a": 1}', encoding="utf-8")
    ran = parley("personas", "import", "odd.json")
    assert ran.code == 1
    assert ran.err.startswith("parley: odd.json:1: error: This is of no format that we know.")
    assert "No such file" in parley("personas", "import", "absent.json").err


def test_an_export_tells_what_has_no_place_and_keeps_files(parley: Any, tmp_path: Path) -> None:
    """The format is named, and no file is overwritten."""
    ran = parley("personas", "export", "pirate", "--format", "skill")
    assert (ran.code, ran.out) == (0, "SKILL.md\n")
    assert "The format has no place for `greeting`." in ran.err
    assert "There is already a file SKILL.md." in parley("personas", "export", "pirate", "--format", "skill").err
    assert "Name one of: card, card-png," in parley("personas", "export", "pirate", "--format", "odd").err
