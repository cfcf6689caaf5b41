"""A shelf reads what it is asked for, and what that extends."""

from pathlib import Path

import pytest

from personas.problems import PersonaRefused
from personas.shelf import Shelf
from tests.unit.personas.test_library import put


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    """A persona comes with its ancestors under the house, whatever the other files are."""
    put(tmp_path / "house.md", body="Rules.")
    put(tmp_path / "a.md", body="Old.")
    put(tmp_path / "b.md", body="\n", fields="extends: a")
    (tmp_path / "c.md").write_bytes(b"\xff")
    shelf = Shelf([tmp_path])
    assert shelf.names == {"house", "a", "b", "c"}
    shelved = shelf.read("b")
    assert [passage.text for passage in (*shelved.compiled.house, *shelved.compiled.body)] == ["Rules.", "Old."]
    assert shelved.extends == "a"
    (tmp_path / "c.md").unlink()
    assert shelf.read("b") == shelved


def test_all_problems_of_a_persona_are_told_at_once(tmp_path: Path) -> None:
    """What is wrong in composition comes with the warnings of the file."""
    put(tmp_path / "a.md", fields='extends: nobody\nstarters: ["{{ x }}"]')
    with pytest.raises(PersonaRefused) as caught:
        Shelf([tmp_path]).read("a")
    assert [problem.severity for problem in caught.value.problems] == ["error", "warning"]


def test_names_near_a_missing_parent_are_usable_ones(tmp_path: Path) -> None:
    """A parent that has errors is not suggested in its own place."""
    put(tmp_path / "pirate.md", body="{% for %}")
    put(tmp_path / "a.md", fields="extends: pirate")
    with pytest.raises(PersonaRefused) as caught:
        Shelf([tmp_path]).read("a")
    assert "Did you mean" not in caught.value.problems[0].cure
