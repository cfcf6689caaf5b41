"""What is done again and again while a process runs: a round that fails is told of, and the next one tries again.

A task that ends with an exception ends its whole group, and with it all that runs in the process.
"""

from collections.abc import Awaitable, Callable
from typing import NoReturn

Sleep = Callable[[float], Awaitable[None]]
Work = Callable[[], Awaitable[object]]
Told = Callable[[Exception], None]


async def every(seconds: float, work: Work, *, sleep: Sleep, failed: Told) -> NoReturn:
    """Do `work` every so many seconds, for ever; `failed` is told what it raised, and must not raise."""
    while True:
        await sleep(seconds)
        await attempt(work, failed)


async def attempt(work: Work, failed: Told) -> None:
    """Do `work` once; `failed` is told what it raised."""
    try:
        await work()
    except Exception as why:  # noqa: BLE001  whatever it is, the next round may do better
        failed(why)
