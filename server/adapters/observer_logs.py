"""What happens, as structured lines on standard error: JSON for machines, colours for a terminal."""

import logging
import sys

import structlog
from structlog.typing import Processor

from server.core.happenings import Happening, Kind
from server.core.ports import Happened

QUIET = {one.value for one in Happening if one.kind is Kind.FIGURE}
ALARMING = {one.value for one in Happening if one.kind is Kind.FAULT}


REFUSED_HANDSHAKE = "ASGI callable returned without completing handshake."
"""What uvicorn says, as an error, of every WebSocket that was refused with a response."""


def configure(*, level: str = "info", as_json: bool | None = None) -> None:
    """Set up the logs of the process, those of libraries included; `as_json` None asks whether a terminal watches."""
    plain = not sys.stderr.isatty() if as_json is None else as_json
    number = logging.getLevelNamesMapping()[level.upper()]
    beginning: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # A trace without the values of variables, among which are secrets.
    ending: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if plain
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*beginning, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    of_libraries = logging.StreamHandler(sys.stderr)
    of_libraries.addFilter(lambda record: record.msg != REFUSED_HANDSHAKE)
    of_libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*beginning, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    of_libraries.setLevel(max(number, logging.WARNING))
    logging.getLogger().addHandler(of_libraries)


class LogsObserver:
    """Writes one line for each thing that happens, but for mere figures."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("parley")

    def saw(self, happened: Happened) -> None:
        """Write the line."""
        if happened.name in QUIET:
            return
        say = self._log.warning if happened.name in ALARMING else self._log.info
        seconds = {"seconds": round(happened.value, 3)} if happened.name is Happening.TURN_ENDED else {}
        say(happened.name, **seconds, **happened.labels)
