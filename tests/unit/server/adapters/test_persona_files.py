"""The folders of persona files."""

from pathlib import Path

import pytest

from server.adapters.persona_files import FolderPersonas
from server.chat.persona_files import Files

TEXT = "---\nspec: persona/1\nname: pilot\nsummary: Flies.\n---\n\nYou fly.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pilot").mkdir()
    (tmp_path / "pilot" / "persona.md").write_text(TEXT)
    return tmp_path


async def test_what_files_hold(folder: Path) -> None:
    """Each usable persona, shipped ones too, is a draft with its text; broken ones are told."""
    (folder / "broken.md").write_text("---\nspec: persona/1\n")
    read = await FolderPersonas([folder]).read({})
    drafts = {draft.persona: draft for draft in read.drafts}
    assert {"assistant", "pilot"} <= drafts.keys()
    assert "house" not in drafts
    assert drafts["pilot"].source == TEXT
    assert list(read.broken) == ["broken"]
    assert set(read.broken["broken"]) <= set(read.problems)


@pytest.mark.parametrize("change", ["edit", "add", "remove", "beside"])
async def test_a_change_is_seen(folder: Path, change: str) -> None:
    """An edit, a new file, one that goes and one beside a persona are changes, once, until they are read."""
    files = FolderPersonas([folder])
    await files.read({})
    assert not await files.changed()
    match change:
        case "edit":
            (folder / "pilot" / "persona.md").write_text(TEXT + "Higher.\n")
        case "add":
            (folder / "other.md").write_text("")
        case "remove":
            (folder / "pilot" / "persona.md").unlink()
        case _:
            (folder / "pilot" / "knowledge.md").write_text("Wind.")
    assert await files.changed()
    await files.read({})
    assert not await files.changed()


def held(files: Files) -> dict[str, str]:
    """Return what a database holds that has taken these."""
    return {draft.persona: draft.digest for draft in files.drafts}


def named(files: Files) -> set[str]:
    return {draft.persona for draft in files.drafts}


@pytest.fixture
async def family(folder: Path) -> dict[str, str]:
    """Three generations in the folder, read once by a node that keeps a record; what the database holds after it."""
    for name, parent in (("child", "pilot"), ("grandchild", "child"), ("stranger", "")):
        extends = f"extends: {parent}\n" if parent else ""
        text = TEXT.replace("name: pilot\n", f"name: {name}\n{extends}").replace("Flies.", '"{{ x }}"')
        (folder / f"{name}.md").write_text(text)
    return held(await FolderPersonas([folder], record=folder / ".record").read({}))


@pytest.mark.parametrize("again", [True, False], ids=["a new process", "the same process"])
async def test_what_stays_as_it_was_is_not_read_again(folder: Path, family: dict[str, str], *, again: bool) -> None:
    """Only what changed is read, with all that extends it; what there is to say of the rest is said again."""
    files = FolderPersonas([folder], record=folder / ".record")
    assert named(await files.read(family)) == set()
    if again:
        files = FolderPersonas([folder], record=folder / ".record")
    (folder / "pilot" / "wind.md").write_text("West.")
    read = await files.read(family)
    assert named(read) == {"pilot", "child", "grandchild"}
    assert [problem.severity for problem in read.problems] == ["warning"] * 3
    (folder / "child.md").write_text("no persona")
    broken = await files.read(family)
    assert (named(broken), set(broken.broken)) == (set(), {"child", "grandchild"})
    assert set((await files.read(family)).broken) == {"child", "grandchild"}


@pytest.mark.parametrize("change", ["house", "groups", "record", "garbage", "held", "twice"])
async def test_what_may_have_changed_is_read_again(folder: Path, family: dict[str, str], change: str) -> None:
    """A house, other groups, a record that is lost or unreadable, another database and a second file count as news."""
    groups = {"all": ["small"]} if change == "groups" else None
    match change:
        case "house":
            (folder / "house.md").write_text(TEXT.replace("pilot", "house"))
        case "record":
            (folder / ".record").unlink()
        case "garbage":
            (folder / ".record").write_bytes(b'["x", {"pilot": 3')
        case "held":
            family["stranger"] = "0" * 64
        case "groups":
            pass
        case _:
            (folder / "pilot.md").write_text(TEXT)
    read = await FolderPersonas([folder], groups=groups, record=folder / ".record").read(family)
    if change == "held":
        assert named(read) == {"stranger"}
    elif change == "twice":
        assert set(read.broken) == {"pilot", "child", "grandchild"}
    else:
        assert {"pilot", "child", "grandchild", "stranger", "assistant"} <= named(read)


async def test_a_record_that_cannot_be_written_is_done_without(folder: Path, family: dict[str, str]) -> None:
    """A folder that is not there costs a longer start and nothing else."""
    files = FolderPersonas([folder], record=folder / "absent" / "record")
    assert named(await files.read(family)) == family.keys()
    assert named(await files.read(family)) == set()


async def test_folders_that_cannot_be_read_hold_nothing(tmp_path: Path) -> None:
    """A folder that is not there is a problem of the files, and no fault of the look."""
    files = FolderPersonas([tmp_path / "absent"])
    assert [problem.code for problem in (await files.read({})).problems] == ["folder"]
    assert not await files.changed()


async def test_a_text_is_composed_where_its_file_stands(folder: Path) -> None:
    """An edit is read with what it extends and the files beside it, under its own name; the file stays as it is."""
    (folder / "pilot" / "wind.md").write_text("The wind comes from the west.")
    knowing = TEXT.replace("---\n\n", "knowledge:\n  entries:\n    - { when: [wind], file: wind.md }\n---\n\n")
    files = FolderPersonas([folder])
    linted = await files.lint("pilot", knowing)
    assert linted.draft
    assert "from the west" in linted.draft.compiled
    assert '"house":[{' in linted.draft.compiled
    assert (await files.lint("copilot", knowing)).draft is None
    assert (folder / "pilot" / "persona.md").read_text() == TEXT


@pytest.mark.parametrize("name", ["persona", "copilot"])
async def test_a_text_without_a_file_has_nothing_beside_it(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new persona cannot read files of the place where the server runs."""
    monkeypatch.chdir(folder)
    (folder / "secret.md").write_text("secret")
    text = TEXT.replace(
        "name: pilot", f"name: {name}\nknowledge:\n  entries:\n    - {{ always: true, file: secret.md }}"
    )
    linted = await FolderPersonas([folder]).lint(name, text)
    assert linted.draft is None
    assert any("secret.md" in problem.message for problem in linted.problems)
