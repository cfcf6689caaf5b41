"""What a run needs beside the checkout: the mock upstream and the load client compiled, the floors' packages installed.

All of it lands in `bench/out`; the product's own environment and locks never see it.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).parents[1]
HARNESS = BENCH / "relay" / "harness"
OUT = BENCH / "out"
MOCK = OUT / "mock_upstream"
LOAD = OUT / "load"
FLOORS = OUT / "venv"
LITELLM = OUT / "litellm"


def build() -> None:
    """Compile the two C programs, if they are older than their sources."""
    OUT.mkdir(exist_ok=True)
    for program, libraries in ((MOCK, ()), (LOAD, ("-lz",))):
        source = HARNESS / f"{program.name}.c"
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["gcc", "-O2", "-w", "-o", program, source, *libraries], check=True)


def install(environment: Path, requirements: Path) -> None:
    """Make `environment` hold exactly the pinned packages of `requirements`; quick if it does already."""
    stamp = environment / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {requirements.name} into {environment.relative_to(BENCH.parent)} ...", file=sys.stderr)
    venv.create(environment, with_pip=True, clear=True)
    pip: list[str | Path] = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", requirements], check=True)
    stamp.write_text(wanted)
