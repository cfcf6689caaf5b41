"""Where a server's CPU time goes: `python bench/hotspots.py parley S2 [--native]`, after `bench/run.py` has run once.

Samples with py-spy what holds the interpreter while the scenario's load runs; waiting, and what SQLite does meanwhile,
takes no samples, so shares are of the rest. Prints the functions that most samples end in (self) and those that most
samples pass through (inclusive), with the CPU microseconds per answer and per delta they stand for. Collecting garbage
shows up as self time of whatever was allocating.
"""

import argparse
import subprocess
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relay.contestants import all_of_them, mock
from relay.load import Door, measure
from relay.prepared import FLOORS, OUT

LOADS: Mapping[str, tuple[str, int]] = {
    "S1": ("mock-t8-d5", 1),
    "S2": ("mock-t400-d0", 50),
    "S2w8": ("mock-t400-d0-w8", 50),
    "S3": ("mock-t500-d20", 150),
    "S5": ("mock-t8-d0", 32),
}
"""The model and the callers of each load; S3 well below its knee."""

SECONDS = 10
WARM_UP = 2
SHOWN = 25


def sample(door: Door, load: str, into: Path, *, native: bool) -> Mapping[str, Any]:
    """Record the server's stacks while `load` runs, and return the load client's figures."""
    figures: dict[str, Any] = {}
    model, callers = LOADS[load]
    duration = ("--duration", SECONDS + 1, "--warmup", WARM_UP)
    client = threading.Thread(target=lambda: figures.update(measure(door, model, callers, *duration)))
    client.start()
    client.join(WARM_UP)
    command: list[str | Path] = [
        FLOORS / "bin" / "py-spy",
        "record",
        "--pid",
        str(door.pid),
        "--duration",
        str(SECONDS - 1),
    ]
    more = ["--native"] if native else []
    subprocess.run([*command, "--rate", "500", "--gil", "--format", "raw", "--output", into, *more], check=True)
    client.join()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", choices=all_of_them())
    parser.add_argument("load", choices=LOADS)
    parser.add_argument("--native", action="store_true", help="show functions of C extensions too")
    asked = parser.parse_args()
    stacks = OUT / f"stacks-{asked.server.replace(':', '-')}-{asked.load}.txt"
    with mock() as direct, all_of_them()[asked.server].start(direct.port) as door:
        figures = sample(door, asked.load, stacks, native=asked.native)
    own, through, total = Counter[str](), Counter[str](), 0
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        total += int(count)
        own[frames[-1]] += int(count)
        through.update(dict.fromkeys(frames, int(count)))
    turn, delta = figures["cpu_us_per_stream"], figures["cpu_us_per_chunk"]
    print(f"{asked.server} {asked.load}: {turn:,.0f} us per answer, {delta:.2f} us per delta, {total} samples")
    for title, counted in (("self", own), ("inclusive", through)):
        print(f"{title:>9}   us/answer   us/delta")
        for frame, samples in counted.most_common(SHOWN):
            share = samples / total
            print(f"{share:>9.1%} {share * turn:>11,.1f} {share * delta:>10.3f}  {frame}")


if __name__ == "__main__":
    main()
