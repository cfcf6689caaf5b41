"""What happens, as structured lines on standard error: JSON for machines, colours for a terminal."""

import logging
import sys

import structlog

from server.core.happenings import Happening, Kind
from server.core.ports import Happened

QUIET = {one.value for one in Happening if one.kind is Kind.FIGURE}
ALARMING = {one.value for one in Happening if one.kind is Kind.FAULT}


def configure(*, level: str = "info", as_json: bool | None = None) -> None:
    """Set up structlog for the process; `as_json` None decides by whether standard error is a terminal."""
    plain = not sys.stderr.isatty() if as_json is None else as_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer() if plain else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class LogsObserver:
    """Writes one line for each thing that happens, but for mere figures."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("parley")

    def saw(self, happened: Happened) -> None:
        """Write the line."""
        if happened.name in QUIET:
            return
        say = self._log.warning if happened.name in ALARMING else self._log.info
        say(happened.name, value=round(happened.value, 4), **happened.labels)
