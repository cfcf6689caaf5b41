"""What set-up does when something is missing."""

import shutil
import sys
from pathlib import Path

import pytest

from deploy import install


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with an empty lock and no virtual environment."""
    for name in install.LOCKS.values():
        (tmp_path / name).touch()
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return tmp_path


def test_a_python_that_is_too_old_gives_way_to_a_newer_one_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest Python that the path offers is taken when the given one is too old."""
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(shutil, "which", {"python3.12": "/opt/bin/python3.12", "python3.11": "/bin/python3.11"}.get)
    assert install._find_python() == Path("/opt/bin/python3.12")


def test_an_old_python_alone_is_told_what_is_needed(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set-up names the version that is needed and the one that it found, and makes nothing."""
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert install.main("run") == 1
    said = capsys.readouterr().err
    assert "3.11 or newer" in said
    assert "is 3.9" in said
    assert not (checkout / ".venv").exists()


def test_a_python_without_venv_is_told_which_package_to_add(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the distribution splits venv off, set-up says how to get it."""
    monkeypatch.setattr(install, "_works", lambda _python, _code: False)
    assert install.main("dev") == 1
    assert "apt install python3-venv" in capsys.readouterr().err
    assert not (checkout / ".venv").exists()


def test_a_failed_installation_shows_its_last_words_and_leaves_no_stamp(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When pip fails, set-up repeats what it said and will be tried again by the next make."""
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(install, "_works", lambda _python, _code: True)
    monkeypatch.setattr(install, "PIP", (sys.executable, "-c", "import sys; print('disk full'); sys.exit(2)"))
    assert install.main("run") == 1
    assert "disk full" in capsys.readouterr().err
    assert not list((checkout / ".venv").iterdir())


@pytest.mark.parametrize(
    ("kind", "stamps"), [("run", {".run-stamp"}), ("dev", {".run-stamp", ".dev-stamp"})], ids=["run", "dev"]
)
def test_success_stamps_what_was_installed(
    kind: str, stamps: set[str], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The development set contains the runtime set, so it stamps both."""
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(install, "_works", lambda _python, _code: True)
    monkeypatch.setattr(install, "PIP", (sys.executable, "-c", "print('Collecting rich==15.0.0')"))
    assert install.main(kind) == 0
    assert {path.name for path in (checkout / ".venv").iterdir()} == stamps


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Collecting import-linter==2.16 (from -r requirements-dev.lock (line 9))", "import-linter"),
        ("Processing /mirror/pydantic_core-2.50.4-cp311-cp311-manylinux_2_17_x86_64.whl", "pydantic_core"),
        ("Requirement already satisfied: typer==0.29.2 in ./.venv/lib", "typer"),
        ("Ignoring colorama: markers 'sys_platform' don't match your environment", "colorama"),
    ],
)
def test_progress_names_the_package(line: str, name: str) -> None:
    """Whatever pip does with a package, progress shows the name of the package alone."""
    found = install.NAMED.match(line)
    assert found
    assert found[1] == name
