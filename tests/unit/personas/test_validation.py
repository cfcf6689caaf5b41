"""Errors of fields are told in the file's own lines, with a cure."""

import pytest

from personas.fields import FrontMatter
from personas.front_matter import read
from personas.problems import PersonaRefused, Problem
from personas.validation import nearest, validate

LEAST = "spec: persona/1\nname: p\nsummary: S.\n"


def problems(source: str) -> tuple[Problem, ...]:
    """Return what is wrong with this front matter, of which the first line is line 1."""
    fields = read(source, first_line=1)
    with pytest.raises(PersonaRefused) as caught:
        validate(FrontMatter, fields.data, lambda path: ("p.md", fields.lines[nearest(fields.lines, path)]))
    return caught.value.problems


@pytest.mark.parametrize(
    ("extra", "line", "code", "words"),
    [
        ("greting: Hi.", 4, "unknown_field", "Did you mean greeting"),
        ("model:\n  temprature: 1", 5, "unknown_field", "`model.temprature`"),
        ("zzz: 1", 4, "unknown_field", "extensions"),
        ("title: 7", 4, "value", "Quote it."),
        ("access: { owner_only: yes }", 4, "value", "`true` or `false`"),
        ("model:\n  reasoning: deep", 5, "value", "'none', 'minimal'"),
        ("extends: My House", 4, "value", "small letters"),
        ("starters:\n  - ok\n  - 7", 6, "value", "`starters.1`"),
        ("bounds:\n  dials:\n    pace: { choices: [a, b], default: c }", 6, "value", "not among the choices"),
        ("examples:\n  - user: Hi.", 5, "missing_field", "`examples.0.assistant`"),
    ],
)
def test_each_error_has_its_line_and_its_cure(extra: str, line: int, code: str, words: str) -> None:
    """The problem points at the field and says what to write."""
    (problem,) = problems(LEAST + extra)
    assert (problem.path, problem.line, problem.code) == ("p.md", line, code)
    assert words in str(problem)


def test_all_errors_are_told_at_once() -> None:
    """One look at a file finds every field that does not fit."""
    assert len(problems("spec: persona/9\nname: p\ntitle: 7\n")) == 3
