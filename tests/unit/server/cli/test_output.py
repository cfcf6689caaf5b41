"""How commands speak."""

import pytest

from server.cli.output import as_table, rfc3339


def test_times_are_exact_to_the_microsecond() -> None:
    """A float would lose the last digits."""
    assert rfc3339(1_795_443_069_999_999) == "2026-11-23T14:11:09.999999Z"
    assert rfc3339(None) is None


def test_a_table_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Long cells stay whole, brackets are no markup, and values read as words."""
    as_table([{"name": "x" * 300, "labels": {"live": 3}, "on": True, "at": None, "what": "[red]"}], empty="none")
    out = capsys.readouterr().out
    assert "x" * 300 in out
    assert "live 3" in out
    assert "yes" in out
    assert "[red]" in out


def test_times_in_a_table_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """A second is exact enough to read; lines have no blanks at their end."""
    as_table([{"name": "a", "last_at": "2026-11-23T14:11:09.999999Z"}, {"name": "b", "last_at": None}], empty="none")
    assert capsys.readouterr().out.splitlines() == ["name  last at", "a     2026-11-23 14:11:09 UTC", "b     -"]


def test_no_rows_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table would say nothing."""
    as_table([], empty="There are none.")
    assert capsys.readouterr().out == "There are none.\n"
