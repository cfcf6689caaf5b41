"""Measure the limiters of this machine side by side: how exact they are, and how fast.

`.venv/bin/python bench/caps/run.py`, or with `--only speed` (`accuracy`, `failures`, `memory`), `--rounds 5`. Writes
bench/out/caps.md; `docs/limits.md` says how to read it. Starts its own Valkey and PostgreSQL from their wheels.
"""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = ROOT / "bench" / "out" / "caps"
sys.path[:0] = [str(HERE.parent), str(ROOT)]

from caps import accuracy, failures, memory, speed  # noqa: E402  # found by the lines above
from caps.limiters import LIMITERS  # noqa: E402

from tests import services  # noqa: E402

SCENARIOS: tuple[accuracy.Scenario, ...] = ("steady", "late", "skewed")


def main() -> None:
    """Measure what the command line asks for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["speed", "accuracy", "failures", "memory"])
    parser.add_argument("--rounds", type=int, default=3, help="how often each speed is measured (default 3)")
    options = parser.parse_args()
    if not PEERS.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PEERS)]
        subprocess.run([*command, "-r", str(HERE / "requirements.txt")], check=True)
    # Last, so that drivers are those of the lock.
    sys.path.append(str(PEERS))
    urls = {"memory": "", "valkey": services.valkey(), "postgres": services.postgres()}
    lines: list[str] = []
    tables = {
        "speed": lambda: speeds(urls, options.rounds),
        "accuracy": lambda: accuracies(urls),
        "failures": lambda: failures.table(urls),
        "memory": memory.table,
    }
    for name, table in tables.items():
        if options.only in {None, name}:
            for line in table():
                print(line, flush=True)
                lines.append(line)
            lines.append("")
    (PEERS.parent / "caps.md").write_text("\n".join(lines), encoding="utf-8")


def accuracies(urls: dict[str, str]) -> Iterator[str]:
    """Yield the lines of the table of accuracy."""
    yield "| store | limiter | steady | late burst | skewed clocks |"
    yield "|---|---|---|---|---|"
    for limiter in LIMITERS:
        if limiter.floor:
            continue
        cells = []
        for scenario in SCENARIOS:
            if scenario == "skewed" and limiter.store == "memory":
                cells.append("-")
                continue
            found = accuracy.measure(limiter, scenario, urls[limiter.store])
            text = f"{found.worst} / {found.wrong}"
            cells.append(f"**{text}**" if found.wrong or found.worst > accuracy.CAP else text)
        yield f"| {limiter.store} | {limiter.name} | {' | '.join(cells)} |"


def speeds(urls: dict[str, str], rounds: int) -> Iterator[str]:
    """Yield the lines of the table of speed."""
    yield "| store | limiter | decisions/s, 1 caller | 64 callers | ratio |"
    yield "|---|---|---|---|---|"
    for store, of_store in groupby(LIMITERS, key=lambda limiter: limiter.store):
        limiters = list(of_store)
        found = asyncio.run(speed.measure(limiters, urls, rounds))
        # In memory beside the moving window of `limits`, on Valkey beside the floor.
        beside = found[limiters[1 if store == "memory" else 0]]
        for limiter, (one, many) in found.items():
            times = "" if store == "postgres" else f"{one / beside[0]:.2f} / {many / beside[1]:.2f}"
            yield f"| {store} | {limiter.name} | {one:,.0f} | {many:,.0f} | {times} |"


if __name__ == "__main__":
    main()
