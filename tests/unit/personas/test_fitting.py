"""What a persona names and its place does not have is a warning with its line."""

from pathlib import Path

from personas.shelf import Shelf
from tests.unit.personas.test_library import put


def test_a_picture_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A file has to lie in the persona's folder, which a lone file does not have; an emoji is no file."""
    put(tmp_path / "a" / "persona.md", fields="avatar: face.webp")
    put(tmp_path / "b" / "persona.md", fields="avatar: face.webp")
    (tmp_path / "b" / "face.webp").write_bytes(b"")
    put(tmp_path / "c.md", fields="avatar: face.webp")
    (tmp_path / "face.webp").write_bytes(b"")
    put(tmp_path / "d.md", fields="avatar: \U0001f9ed")
    shelf = Shelf([tmp_path])
    told = {name: [(one.code, one.line, one.severity) for one in shelf.read(name).warnings] for name in shelf.names}
    missing = [("avatar", 5, "warning")]
    assert told == {"a": missing, "b": [], "c": missing, "d": []}


def test_models_that_are_not_known_are_told(tmp_path: Path) -> None:
    """Models and groups of the deployment are fine; another name is told with one like it, where names are known."""
    put(tmp_path / "a.md", fields="model:\n  use: [standard, gpt-4, gtp-4]")
    shelf = Shelf([tmp_path], models=["gpt-4", "local"], groups={"standard": ["local"]})
    (problem,) = shelf.read("a").warnings
    assert (problem.code, problem.line, problem.severity) == ("unknown_model", 6, "warning")
    assert "gtp-4" in problem.message
    assert problem.cure == "Did you mean gpt-4?"
    assert Shelf([tmp_path]).read("a").warnings == ()
