"""What went wrong, as lines that say the way out."""

import sqlite3

import pytest

from client import UnreachableError
from server.cli import failures
from server.cli.output import CommandError
from server.core.errors import Refused


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CommandError("Do this."), "Do this."),
        (UnreachableError("Nobody there."), "Nobody there."),
        (Refused("invalid_api_key", "Unknown key."), "Unknown key."),
        (PermissionError(13, "Permission denied", "/srv/data"), "Permission denied: /srv/data"),
        (sqlite3.OperationalError("disk I/O error"), "The database cannot be used (disk I/O error). `parley doctor`"),
        (ZeroDivisionError("division\nby zero"), "Something failed inside (ZeroDivisionError: division). Run it again"),
    ],
)
def test_every_error_is_one_line(error: Exception, line: str) -> None:
    """What we foresaw says the way out; what we did not says how to see more."""
    (told,) = failures.lines(error)
    assert told.startswith(line)
    assert "\n" not in told


def test_a_traceback_is_shown_to_who_asks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the variable brings it out; the exit code is 1 either way."""
    assert failures.tell(CommandError("Do this.")) == 1
    assert capsys.readouterr().err == "parley: Do this.\n"
    monkeypatch.setenv("PARLEY_TRACEBACK", "1")
    failures.tell(CommandError("Do this."))
    assert "server.cli.output.CommandError: Do this." in capsys.readouterr().err
