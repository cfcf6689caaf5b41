"""How fast answers are screened and how much is held back: `python -m bench.screening [FILE ...]`.

Reads the given texts, or this repository's own documentation, in pieces of several sizes, with a marker, all key
formats and a blocklist of 200 phrases. The first line of each size meets states that no text has reached before.
"""

import sys
import time
from pathlib import Path
from random import Random

from server.core.automaton import Matcher, Patterns
from server.core.screening import blocklist_patterns, make_marker, marker_patterns, secret_patterns


def phrases(count: int) -> list[str]:
    """Return phrases of two made-up words."""
    random = Random(1)  # noqa: S311  the same phrases in every run
    return [" ".join("".join(random.choices("aeioulnrst", k=7)) for _ in range(2)) for _ in range(count)]


def ready() -> Patterns:
    """Return patterns that have seen no text."""
    common = Patterns([*secret_patterns(), *blocklist_patterns(phrases(200))])
    return Patterns(marker_patterns(make_marker(b"bench", "revision")), beside=common)


def measure(patterns: Patterns, text: str, size: int) -> str:
    """Return one line of figures for `text` in pieces of `size` characters."""
    matcher = Matcher(patterns)
    held: list[int] = []
    released = 0
    began = time.perf_counter()
    for start in range(0, len(text), size):
        shown, rule = matcher.feed(text[start : start + size])
        if rule:
            return f"stopped by {rule}"
        released += len(shown)
        held.append(min(start + size, len(text)) - released)
    took = time.perf_counter() - began
    return f"{len(text) / took:>12,.0f} chars/s  held back: mean {sum(held) / len(held):.2f}, most {max(held)}"


def main(files: list[str]) -> None:
    paths = [Path(name) for name in files] or sorted(Path(__file__).parents[1].glob("docs/**/*.md"))
    text = "\n".join(path.read_text() for path in paths)
    print(f"{len(text):,} characters of {len(paths)} files")
    for size in (1, 4, 30, 1000):
        patterns = ready()
        print(f"pieces of {size:>4}, first: {measure(patterns, text, size)}")
        print(f"pieces of {size:>4}, again: {measure(patterns, text, size)}")


if __name__ == "__main__":
    main(sys.argv[1:])
