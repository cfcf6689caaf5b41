"""The catalogue of errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.core.errors import CATALOGUE, Refused

TESTS = Path(__file__).parents[3]


def test_a_refusal_has_openais_members_first() -> None:
    """The error object has OpenAI's four members and ours beside them."""
    refused = Refused("usage_cap_reached", "Full.", param="model", extra={"next_at": "soon"})
    assert refused.body() == {
        "message": "Full.",
        "type": "rate_limit_error",
        "param": "model",
        "code": "usage_cap_reached",
        "next_at": "soon",
    }
    assert refused.problem.status == 429


def test_a_code_outside_the_catalogue_is_a_fault() -> None:
    """Nobody can refuse with a code that is not documented."""
    with pytest.raises(LookupError):
        Refused("made_up", "No.")


def test_every_line_says_what_it_is() -> None:
    """Each code has an HTTP status of an error, a type and a sentence."""
    for code, problem in CATALOGUE.items():
        assert problem.code == code
        assert 400 <= problem.status < 600
        assert problem.about.endswith(".")
        assert (problem.type == "server_error") == (problem.status >= 500)


def test_a_refusal_passes_through_context_managers() -> None:
    """A refusal that leaves a context manager is the same refusal outside."""

    @contextmanager
    def anything() -> Iterator[None]:
        yield

    with pytest.raises(Refused) as refused, anything():
        raise Refused("draining", "Bye.")
    assert refused.value.code == "draining"


@pytest.mark.parametrize("code", CATALOGUE)
def test_each_code_is_provoked_somewhere(code: str) -> None:
    """Each code stands, as a word of its own, in a test or a transcript other than those of the catalogue itself."""
    own = {Path(__file__).name, "test_errors_documented.py"}
    files = (path for kind in ("*.py", "*.txt") for path in TESTS.rglob(kind) if path.name not in own)
    assert any(re.search(rf"\b{code}\b", path.read_text(encoding="utf-8")) for path in files)
