"""Install the clients that tests run: `python tests/clients/install.py`, as the locks beside this file have them.

`python tests/clients/install.py latest` makes a folder `latest` with the same programs and the newest of each package.
Node.js has to be on the PATH, and uv beside the Python that runs this.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LATEST = HERE / "latest"
UV = Path(sys.executable).with_name("uv")


def main(kind: str) -> None:
    """Install into the folder of this kind."""
    folder = LATEST if kind == "latest" else HERE
    if kind == "latest":
        _begin_latest()
    python = folder / ".venv" / "bin" / "python"
    if not python.exists():
        _call(str(UV), "venv", "--quiet", "--python", sys.executable, str(folder / ".venv"))
    into = ("--python", str(python), "--quiet")
    if kind == "latest":
        _call(str(UV), "pip", "install", *into, "--upgrade", "--requirement", str(folder / "requirements.in"))
        _call("npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent")
    else:
        _call(str(UV), "pip", "sync", *into, "--require-hashes", str(HERE / "requirements.lock"))
        _call("npm", "ci", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent")


def _begin_latest() -> None:
    """Copy the programs, and ask for each package without its version."""
    shutil.rmtree(LATEST, ignore_errors=True)
    LATEST.mkdir()
    for path in (*HERE.glob("*.py"), *HERE.glob("*.mjs"), HERE / ".npmrc"):
        shutil.copy(path, LATEST)
    asked = (HERE / "requirements.in").read_text(encoding="utf-8")
    (LATEST / "requirements.in").write_text(re.sub(r"==\S+", "", asked), encoding="utf-8")
    package = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    package["dependencies"] = dict.fromkeys(package["dependencies"], "latest")
    (LATEST / "package.json").write_text(json.dumps(package), encoding="utf-8")


def _call(*command: str) -> None:
    subprocess.run(command, check=True, env=os.environ)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "locked")
