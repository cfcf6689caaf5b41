"""docs/errors.md and docs/protocol.md against the catalogue."""

import json
import re
from pathlib import Path

from client.errors import ConnectionLostError
from server.core.errors import CATALOGUE, CLOSES
from server.edge.responses_ws import read

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


def test_what_answers_a_steering_is_documented() -> None:
    """The one code that is outside of the catalogue, since it refuses no call, has its own place."""
    answered = read({"type": "response.steer"})
    assert isinstance(answered, str)
    code = json.loads(answered)["error"]["code"]
    assert f"`{code}`" in (DOCS / "errors.md").read_text(encoding="utf-8")


def test_the_client_comes_back_where_the_catalogue_says() -> None:
    """The shipped client reads each close code as the server means it."""
    for close in CLOSES:
        assert ConnectionLostError(code=close.code, reason=close.reason).come_back is close.come_back
