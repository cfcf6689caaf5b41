"""The lines on standard error."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr
from typing import Any

import pytest
import structlog

from server.adapters import observer_logs
from server.adapters.observer_logs import REFUSED_HANDSHAKE, LogsObserver
from server.core.happenings import Happening
from server.core.ports import Happened


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Give what a server that no terminal watches writes to standard error."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    with redirect_stderr(io.StringIO()) as written:
        observer_logs.configure(as_json=True)
    yield written
    structlog.reset_defaults()
    root.handlers[:] = handlers


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_fault_can_be_found_by_its_request_id(written: io.StringIO) -> None:
    """A line of the doors, which log with the standard library, is JSON too, with what it carries and the trace."""
    try:
        int("boom")
    except ValueError:
        logging.getLogger("parley.edge").exception("a request failed", extra={"request_id": "req_1"})
    [line] = lines(written)
    assert (line["event"], line["level"], line["request_id"]) == ("a request failed", "error", "req_1")
    assert "ValueError: invalid literal" in line["exception"]


def test_a_refused_handshake_is_no_fault(written: io.StringIO) -> None:
    """The server library calls every refusal of a handshake an error; anybody could fill the logs with it."""
    for message in (REFUSED_HANDSHAKE, "Exception in ASGI application"):
        logging.getLogger("uvicorn.error").error(message)
    assert [line["event"] for line in lines(written)] == ["Exception in ASGI application"]


def test_what_happens_is_a_line(written: io.StringIO) -> None:
    """Its name and its labels stand in it; mere figures make no line."""
    observer = LogsObserver()
    for name in (Happening.TURN_ENDED, Happening.INPUT_TOKENS):
        observer.saw(Happened(name=name, labels={"model": "local"}, value=0.25))
    [line] = lines(written)
    assert (line["event"], line["model"], line["seconds"]) == ("turn_ended", "local", 0.25)
