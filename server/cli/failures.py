"""What went wrong, as lines that say the way out; a traceback only for who asks for one."""

import traceback

from server.cli.output import CommandError, remark

FAILED = 1


def tell(error: Exception) -> int:
    """Print what `error` means to the person at the terminal and return the exit code."""
    from server.settings import variable

    if variable("PARLEY_TRACEBACK"):
        remark("".join(traceback.format_exception(error)))
    for line in lines(error):
        remark(f"parley: {line}")
    return FAILED


def lines(error: Exception) -> list[str]:
    """Return one line for each thing that is wrong."""
    from sqlite3 import Error as SqliteError

    from asyncpg import InterfaceError, PostgresError
    from redis.exceptions import RedisError
    from sqlalchemy.exc import SQLAlchemyError

    from client.errors import ParleyError
    from personas.problems import PersonaRefused, UnknownPersona
    from server.adapters.data_lock import DataInUse
    from server.adapters.database import NewerDatabase
    from server.core.errors import Refused
    from server.settings import ConfigError

    match error:
        case ConfigError() | PersonaRefused():
            return [str(problem) for problem in error.problems]
        case Refused():
            return [error.message]
        case NewerDatabase():
            return [f"{error}. Install the newer version, or restore a backup."]
        case UnknownPersona() if not error.near:
            return [f"{error} `parley personas list` shows all."]
        case CommandError() | ParleyError() | UnknownPersona() | DataInUse():
            return [str(error)]
        case SqliteError() | SQLAlchemyError() | PostgresError() | InterfaceError() | RedisError():
            what = "cluster" if isinstance(error, RedisError) else "database"
            return [f"The {what} cannot be used ({_first_line(error)}). `parley doctor` says more."]
        case OSError():
            return [f"{error.strerror or error}: {error.filename}" if error.filename else str(error)]
        case _:
            what = f"{type(error).__name__}: {_first_line(error)}"
            return [f"Something failed inside ({what}). Run it again with PARLEY_TRACEBACK=1 to see where."]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
