"""Measure this machine: Parley against a naive relay, the floors and, if asked for, LiteLLM, in one alternating run.

`make bench`, or `make bench ARGS="--rounds 3 --scenarios S1,S5 --servers naive,parley"`; `docs/performance.md`
says how to read the table. Needs Linux with two cores, gcc and zlib.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from relay import prepared
from relay.contestants import Contestant, DidNotStart, all_of_them, mock
from relay.load import Door, LoadFailed
from relay.report import Cell, table
from relay.scenarios import SCENARIOS, Scenario

USUAL = "naive,coal:aiohttp,direct:relay,floor,parley"


def options() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ",".join(scenario.name for scenario in SCENARIOS)
    parser.add_argument("--rounds", type=int, default=2, help="how often everything is measured (default 2)")
    parser.add_argument("--scenarios", default=names, help=f"some of {names}")
    parser.add_argument("--servers", default=USUAL, help=f"some of {','.join(all_of_them())} (default {USUAL})")
    return parser.parse_args()


def measured(
    scenarios: Sequence[Scenario], contestants: Sequence[Contestant], rounds: int, direct: Door
) -> Iterator[tuple[Cell, object]]:
    """Yield every cell with its details, scenario by scenario; odd rounds run the servers in reverse."""
    total, done = rounds * len(scenarios) * len(contestants), 0
    for turn in range(rounds):
        for scenario in scenarios:
            for contestant in contestants if turn % 2 == 0 else contestants[::-1]:
                began, detail = time.monotonic(), None
                try:
                    with contestant.start(direct.port) as door:
                        figure = scenario.measure(door, direct)
                    cell = Cell(turn, scenario.name, contestant.name, figure.value)
                    detail = figure.detail
                except (LoadFailed, DidNotStart) as error:
                    cell = Cell(turn, scenario.name, contestant.name, None, str(error).replace("|", "/"))
                done += 1
                shown = cell.problem if cell.value is None else f"{cell.value:,.2f} {scenario.unit}"
                took = time.monotonic() - began
                print(
                    f"[{done:>3}/{total}] {took:>4.0f} s  {scenario.name:<5} {contestant.name:<13} {shown}",
                    file=sys.stderr,
                )
                yield cell, detail


def main() -> None:
    asked = options()
    if not shutil.which("gcc") or not shutil.which("taskset") or (os.cpu_count() or 1) < 2:
        sys.exit("The benchmark needs Linux with two cores, gcc, zlib and taskset.")
    known, chosen = all_of_them(), asked.servers.split(",")
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in asked.scenarios.split(",")]
    if unknown := [name for name in chosen if name not in known]:
        sys.exit(f"There is no server {unknown[0]}. Name some of: {', '.join(known)}.")
    prepared.build()
    prepared.install(prepared.FLOORS, prepared.BENCH / "requirements.txt")
    if "litellm" in chosen:
        prepared.install(prepared.LITELLM, prepared.BENCH / "requirements-litellm.txt")
    contestants = [known[name] for name in chosen]
    with mock() as direct:
        found = list(measured(scenarios, contestants, asked.rounds, direct))
    cells = [cell for cell, _ in found]
    text = table(cells, contestants, scenarios)
    raw = [{**asdict(cell), "detail": detail} for cell, detail in found]
    about = {"python": platform.python_version(), "cores": os.cpu_count(), "rounds": asked.rounds}
    Path(prepared.OUT / "relay.md").write_text(text)
    Path(prepared.OUT / "relay.json").write_text(json.dumps({"machine": about, "cells": raw}, indent=1))
    print(text)


if __name__ == "__main__":
    main()
