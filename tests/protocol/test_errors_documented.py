"""docs/errors.md and docs/protocol.md against the catalogue."""

import re
from pathlib import Path

from server.core.errors import CATALOGUE, CLOSES

DOCS = Path(__file__).parents[2] / "docs"


def rows(page: str, columns: int) -> list[list[str]]:
    """Return the cells of the tables of a page that have so many columns."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if len(row) == columns and not set(row[0]) <= {"-"}]


def test_every_error_is_documented() -> None:
    """The table has one row for each code, in the order of the catalogue and in its words."""
    _, *found = rows("errors.md", 5)
    assert found == [
        [f"`{problem.code}`", str(problem.status), f"`{problem.type}`", "yes" if problem.retry else "no", problem.about]
        for problem in CATALOGUE.values()
    ]


def test_every_close_code_is_documented() -> None:
    """Both pages name each close code and whether to come back."""
    expected = [(str(close.code), "yes" if close.come_back else "no") for close in CLOSES]
    assert [(code, back) for code, _, back in rows("errors.md", 3)[1:]] == expected
    explained = {code: back for code, _, back in rows("protocol.md", 3) if re.fullmatch(r"\d{4}", code)}
    assert explained == dict(expected)
