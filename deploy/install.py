"""Make `.venv` and install one of the locks into it: `python deploy/install.py run|dev`.

Any Python since 3.8 reads this file, so that an old one can say what is missing instead of failing on syntax.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

OLDEST = (3, 11)
NEWER_NAMES = tuple(f"python3.{minor}" for minor in range(14, OLDEST[1] - 1, -1))
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}
SIZES = {"run": "150 MB", "dev": "200 MB"}
STAMPS = {"run": (".run-stamp",), "dev": (".dev-stamp", ".run-stamp")}
PIN = re.compile(r"^[\w.\[\]-]+==", re.MULTILINE)
# What pip says when it turns to a package, fetched or found on this machine.
NAMED = re.compile(r"(?:Collecting|Processing|Ignoring|Requirement already satisfied:) (?:\S*/)?([\w.]+(?:-[a-z]\w*)*)")
PIP = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-deps", "--no-compile")


def main(kind: str) -> int:
    """Install the lock named by `kind` and the checkout itself; return the exit status."""
    try:
        if not _works(PYTHON, "import pip, sys; sys.exit(sys.version_info < (3, 11))"):
            _make_venv()
        lock = ROOT / LOCKS[kind]
        _say(f"Installing the {lock.name} set of packages (the first time fetches {SIZES[kind]})")
        _pip(
            *("--require-hashes", "--progress-bar", "off", "--requirement", str(lock)),
            total=len(PIN.findall(lock.read_text())),
            advice="The packages could not be installed; a package registry must be in reach once.",
        )
        _pip(
            *("--no-index", "--no-build-isolation", "--editable", str(ROOT)),
            total=0,
            advice="The packages are in place, but the checkout itself could not be installed.",
        )
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    for stamp in STAMPS[kind]:
        (VENV / stamp).touch()
    return 0


class SetupError(Exception):
    """Set-up cannot go on; the text says what to do."""


def _make_venv() -> None:
    python = _find_python()
    if not _works(python, "import ensurepip, venv"):
        raise SetupError(
            f"{python} lacks the venv or ensurepip module.\n"
            "On Debian or Ubuntu: apt install python3-venv. Elsewhere install a complete Python."
        )
    _say(f"Creating .venv with {python}")
    made = subprocess.run([str(python), "-m", "venv", "--clear", str(VENV)], check=False)
    if made.returncode:
        raise SetupError("The virtual environment could not be made; the lines above say why.")


def _find_python() -> Path:
    if sys.version_info >= OLDEST:
        return Path(sys.executable)
    for name in NEWER_NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    wanted = ".".join(map(str, OLDEST))
    have = ".".join(map(str, sys.version_info[:2]))
    raise SetupError(
        f"Python {wanted} or newer is needed; {sys.executable} is {have}.\n"
        f"Install one, or name it: make run PYTHON=/path/to/python{wanted}"
    )


def _works(python: Path, code: str) -> bool:
    try:
        return subprocess.run([str(python), "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _pip(*arguments: str, total: int, advice: str) -> None:
    """Run pip and show one moving line; on failure show the end of what it said, then `advice`."""
    tail: deque[str] = deque(maxlen=20)
    seen = 0
    with subprocess.Popen(
        [*PIP, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        for line in pip.stdout or ():
            tail.append(line)
            named = NAMED.match(line)
            if named and total:
                seen += 1
                _progress(f"{seen}/{total} {named[1]}", landmark=seen % 20 == 0)
            elif line.startswith("Installing collected"):
                _progress("Unpacking", landmark=total > 0)
    _progress("", landmark=False)
    if pip.returncode:
        raise SetupError("".join(tail) + f"\n{advice}\nRun the same command again when that is mended.")


def _say(line: str) -> None:
    print(line, flush=True)


def _progress(line: str, *, landmark: bool) -> None:
    """Overwrite one line on a terminal; elsewhere print only the landmarks."""
    if sys.stdout.isatty():
        print(f"\r\033[K{'  ' + line if line else ''}", end="", flush=True)
    elif landmark:
        print(f"  {line}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:  # noqa: PLR2004  # the name and one word
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
