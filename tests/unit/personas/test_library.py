"""Folders are read whole, bad files stay alone, and nothing outside a persona's folder is touched."""

from pathlib import Path

import pytest

from personas.library import Library
from personas.persona import MAX_BYTES
from personas.problems import PersonaRefused, UnknownPersona


def put(path: Path, name: str = "", body: str = "Text.", fields: str = "") -> Path:
    """Write a persona file called `name`, or as its place says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = name or (path.parent.name if path.name == "persona.md" else path.stem)
    path.write_text(f"---\nspec: persona/1\nname: {name}\nsummary: S.\n{fields}\n---\n{body}", encoding="utf-8")
    return path


def test_files_and_folders_are_personas(tmp_path: Path) -> None:
    """`*.md` and `*/persona.md` are read; readmes, hidden files and other folders are not."""
    put(tmp_path / "a.md")
    put(tmp_path / "b" / "persona.md")
    put(tmp_path / ".c.md")
    put(tmp_path / "d" / "other.md")
    (tmp_path / "README.md").write_text("# Ours", encoding="utf-8")
    library = Library.load([tmp_path])
    assert library.names == ("a", "b")
    assert library.problems == ()
    assert library.get("b").name == "b"


def test_later_folders_win(tmp_path: Path) -> None:
    """The same name in a later folder replaces the earlier one, also as a parent and as the house."""
    put(tmp_path / "1" / "a.md", body="Old.")
    put(tmp_path / "1" / "house.md", body="Old rules.")
    put(tmp_path / "1" / "b.md", body="\n", fields="extends: a")
    put(tmp_path / "2" / "a.md", body="New.")
    put(tmp_path / "2" / "house.md", body="New rules.")
    child = Library.load([tmp_path / "1", tmp_path / "2"]).get("b")
    assert [passage.text for passage in (*child.house, *child.body)] == ["New rules.", "New."]


def test_a_bad_file_stops_only_itself(tmp_path: Path) -> None:
    """Its problems are listed and told to who asks for it."""
    put(tmp_path / "good.md")
    bad = put(tmp_path / "bad.md", body="{% for %}")
    library = Library.load([tmp_path])
    assert library.names == ("good",)
    with pytest.raises(PersonaRefused) as caught:
        library.get("bad")
    assert caught.value.problems == library.problems
    assert library.problems[0].path == str(bad)


def test_a_bad_file_does_not_bring_back_an_earlier_one(tmp_path: Path) -> None:
    """What the operator meant to replace is refused, not silently kept."""
    put(tmp_path / "1" / "a.md")
    put(tmp_path / "2" / "a.md", body="{% for %}")
    with pytest.raises(PersonaRefused):
        Library.load([tmp_path / "1", tmp_path / "2"]).get("a")
    mended = Library.load([tmp_path / "2", tmp_path / "1"])
    assert (mended.names, mended.problems) == (("a",), ())


def test_a_bad_house_refuses_all(tmp_path: Path) -> None:
    """No persona speaks without the rules that were meant to stand above it."""
    put(tmp_path / "a.md")
    put(tmp_path / "house.md", body="{% for %}")
    library = Library.load([tmp_path])
    assert library.names == ()
    assert len(library.problems) == 1
    with pytest.raises(PersonaRefused):
        library.get("a")


def test_a_bad_parent_refuses_its_children(tmp_path: Path) -> None:
    """A child of a refused persona is refused with its own line."""
    put(tmp_path / "a.md", body="{% for %}")
    put(tmp_path / "b.md", fields="extends: a")
    library = Library.load([tmp_path])
    assert library.refused["b"][0].code == "extends"


def test_the_house_is_known_and_not_listed(tmp_path: Path) -> None:
    """People do not talk to the house; operators may look at it."""
    put(tmp_path / "house.md")
    library = Library.load([tmp_path])
    assert library.names == ()
    assert library.get("house").name == "house"


def test_unknown_names_suggest_near_ones(tmp_path: Path) -> None:
    """A misspelt name is answered with the one that was meant."""
    put(tmp_path / "pirate.md")
    with pytest.raises(UnknownPersona) as caught:
        Library.load([tmp_path]).get("pirat")
    assert caught.value.near == ("pirate",)


def test_two_files_for_one_name_are_refused(tmp_path: Path) -> None:
    """A file and a folder of one name are ambiguous; both are told."""
    put(tmp_path / "a.md")
    put(tmp_path / "a" / "persona.md")
    assert len(Library.load([tmp_path]).refused["a"]) == 2


def test_a_missing_folder_is_a_problem_and_no_exception(tmp_path: Path) -> None:
    """The other folders are still read."""
    put(tmp_path / "there" / "a.md")
    library = Library.load([tmp_path / "gone", tmp_path / "there"])
    assert library.names == ("a",)
    assert library.problems[0].code == "folder"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"---\n" + b"x" * MAX_BYTES])
def test_unreadable_files_are_problems(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no text, nothing at all, and too much are told like any other problem."""
    (tmp_path / "a.md").write_bytes(content)
    assert Library.load([tmp_path]).refused["a"][0].path == str(tmp_path / "a.md")


def test_warnings_are_listed_and_refuse_nothing(tmp_path: Path) -> None:
    """A persona with warnings can be used."""
    put(tmp_path / "a.md", fields='starters: ["{{ x }}"]')
    library = Library.load([tmp_path])
    assert library.names == ("a",)
    assert library.problems[0].severity == "warning"


KNOWLEDGE = "knowledge: {{ entries: [{{ always: true, file: {} }}] }}"


def test_knowledge_and_partials_are_read_from_the_folder(tmp_path: Path) -> None:
    """A persona in a folder of its own may have files beside it."""
    put(tmp_path / "a" / "persona.md", fields=KNOWLEDGE.format("k/x.md"), body='{% include "tone" %}')
    (tmp_path / "a" / "k").mkdir()
    (tmp_path / "a" / "k" / "x.md").write_text("Facts.", encoding="utf-8")
    (tmp_path / "a" / "partials").mkdir()
    (tmp_path / "a" / "partials" / "tone.md").write_text("Calm.", encoding="utf-8")
    persona = Library.load([tmp_path]).get("a")
    assert persona.knowledge.entries[0].text == "Facts."
    assert persona.body[0].text == "Calm."


@pytest.mark.parametrize(
    "path", ["../secret.md", "k/../../secret.md", "/etc/hostname", "k\\x", '"\\u00e9\\u0020"', ".", "k"]
)
def test_paths_out_of_the_folder_are_refused(tmp_path: Path, path: str) -> None:
    """No spelling of a path leads outside, and a folder is no file."""
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    put(tmp_path / "a" / "persona.md", fields=KNOWLEDGE.format(path))
    (tmp_path / "a" / "k").mkdir()
    (problem,) = Library.load([tmp_path]).refused["a"]
    assert problem.code == "file"


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither a linked file nor a linked folder inside is read."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.md").write_text("secret", encoding="utf-8")
    for name, path in (("a", "x.md"), ("b", "k/x.md")):
        put(tmp_path / name / "persona.md", fields=KNOWLEDGE.format(path))
    (tmp_path / "a" / "x.md").symlink_to(tmp_path / "outside" / "x.md")
    (tmp_path / "b" / "k").symlink_to(tmp_path / "outside")
    refused = Library.load([tmp_path]).refused
    assert ["is a link" in refused[name][0].message for name in ("a", "b")] == [True, True]


def test_a_lone_file_has_nothing_beside_it(tmp_path: Path) -> None:
    """Only a folder of its own makes files a persona's."""
    put(tmp_path / "a.md", fields=KNOWLEDGE.format("x.md"))
    (tmp_path / "x.md").write_text("x", encoding="utf-8")
    assert "has no folder" in Library.load([tmp_path]).refused["a"][0].message
