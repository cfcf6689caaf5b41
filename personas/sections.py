"""A body as sections: the opening, then one section for each `##` heading."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

_HEADING = re.compile(r" {0,3}##(?=[ \t]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SIGNS = frozenset(("##", "``", "~~"))
"""How a line begins that may be one of the two."""


@dataclass(frozen=True, slots=True)
class Section:
    """Text under one heading; the opening, before the first heading, has the heading ""."""

    heading: str
    text: str
    path: str
    line: int
    """The file's line of the heading; of the first text for the opening."""
    text_line: int

    @property
    def key(self) -> str:
        """The heading as it is compared: a child cannot slip past a lock by case, spacing or letter forms."""
        return heading_key(self.heading)


@lru_cache(maxsize=4096)
def heading_key(heading: str) -> str:
    """Return what two headings share if they are the same heading."""
    return " ".join(unicodedata.normalize("NFKC", heading).casefold().split())


def split(body: str, *, path: str, first_line: int) -> tuple[Section, ...]:
    """Split `body` at its `##` headings, those in fenced code excepted; an empty opening is left out."""
    lines = body.split("\n")
    starts = _headings(lines)
    sections = []
    opening = lines[: starts[0][0]] if starts else lines
    if any(line.strip() for line in opening):
        blank = next(index for index, line in enumerate(opening) if line.strip())
        line = first_line + blank
        sections.append(Section("", "\n".join(opening[blank:]).rstrip(), path, line, line))
    for (index, words), (end, _) in pairwise([*starts, (len(lines), "")]):
        text = lines[index + 1 : end]
        blank = next((offset for offset, line in enumerate(text) if line.strip()), len(text))
        section = Section(
            words,
            "\n".join(text[blank:]).rstrip(),
            path,
            first_line + index,
            first_line + index + 1 + blank,
        )
        sections.append(section)
    return tuple(sections)


def _headings(lines: Sequence[str]) -> list[tuple[int, str]]:
    found = []
    fence = ""
    for index, line in enumerate(lines):
        if line.lstrip(" ")[:2] not in _SIGNS:
            continue
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            fence = mark[1]
        elif heading := _HEADING.match(line):
            found.append((index, _words(line[heading.end() :])))
    return found


def _words(rest: str) -> str:
    words = rest.split()
    if words and not words[-1].strip("#"):
        words.pop()
    return " ".join(words)
