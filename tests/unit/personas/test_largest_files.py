"""Files as large as they may be, made to be slow: a process with little time and memory reads or refuses each."""

import resource
import subprocess
import sys
from collections.abc import Sequence

import pytest

from personas import PersonaRefused, Problem, compose, parse
from personas.interop import read
from personas.persona import MAX_BYTES

CPU_SECONDS = 30
"""A hundred times what the slowest of them takes; what grows with the square of a file takes longer."""
MEMORY = 1024 * 1024 * 1024
ROOM = MAX_BYTES - 1000


def persona(body: str, fields: str = "") -> str:
    return f"---\nspec: persona/1\nname: p\nsummary: S.\n{fields}---\n{body}"


def filled(unit: str) -> str:
    """Return as much of `unit` as a file may hold."""
    return unit * (ROOM // len(unit))


def numbered(unit: str, count: int) -> str:
    return "".join(unit.format(number) for number in range(count))


DIALS = "bounds:\n  dials:\n" + numbered("    x{}: {{ text: {{}}, default: '' }}\n", 3000)
LOCKED = "bounds:\n  locked:\n" + numbered("    - h{}\n", 9000)
FILES = {
    "headings": persona(numbered("## h{}\nx\n", 20000)),
    "locks": persona(numbered("## h{}\nx\n", 9000), LOCKED),
    "unknown dials": persona(numbered("{{{{ dials.y{} }}}} ", 8000), DIALS),
    "openings": persona(filled("{%")),
    "conditions": persona(filled("{% if user.name %}")),
    "spaces": persona("{% if user.name" + filled(" ")),
    "fences": persona(filled("```\n")),
    "nesting": persona("", "x: " + filled("[")),
    "words": persona("T", "knowledge:\n  entries:\n" + numbered("    - {{ when: [w{}], text: t }}\n", 2400)),
}
FOREIGN = {
    "a.json": b"[" * 8_000_000,
    "SKILL.md": b"---\nname: a\ndescription: d\n---\n" + b"## a\n" * 50_000,
    "a.prompt": b"---\nmodel: x\n---\n" + b"{{#if a}}" * 29_000,
    "a.prompty": b"---\nname: x\n---\n" + b"system:\nuser:\n" * 18_000,
    "a.charx": b"PK\x05\x06" * 2_000_000,
    "a.png": b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0aaaa\xa5\x05\xdf\x1b" * 600_000,
}


def answered(name: str) -> None:
    """Read one of the files; whatever is refused says why, with a cure."""
    problems = told(name)
    assert len(problems) <= 50
    assert all(problem.cure for problem in problems)


def told(name: str) -> Sequence[Problem]:
    """Return why one of the files is refused; nothing if it is read."""
    try:
        if name in FILES:
            compose(parse(FILES[name], source="p.md"), {})
        else:
            read(FOREIGN[name], file_name=name)
    except PersonaRefused as refused:
        return refused.problems
    return ()


@pytest.mark.parametrize("name", [*FILES, *FOREIGN])
def test_the_largest_files_are_answered_within_bounds(name: str) -> None:
    """Each is a persona or a short list of problems, in bounded time and memory."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    script = f"from {__name__} import answered; answered({name!r})"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, preexec_fn=bounded)
    assert ran.returncode == 0, ran.stderr.decode()
