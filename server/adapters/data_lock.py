"""The lock on a data folder: one process serves from it at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FILE: Final = "parley.lock"
"""The name of the lock file in the data folder."""


class DataInUse(Exception):  # noqa: N818
    """Another process holds the folder. `pid` is that process, or None if it is still starting."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        by = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"{folder} is in use by {by}. Stop it, or give this one a data folder of its own.")
        self.pid = pid


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for the time of the context. Raises `DataInUse`.

    The lock ends with the process, however that ends.
    """
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataInUse(folder, holder(folder)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(folder: Path) -> int | None:
    """Return the process that wrote itself into the folder's lock last; it may have ended since."""
    try:
        return int((folder / FILE).read_text())
    except (OSError, ValueError):
        return None
