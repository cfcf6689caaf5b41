"""Forgets unlisted turns whose time has passed."""

from collections.abc import Awaitable, Callable
from typing import Final

from server.core.happenings import Happening
from server.core.ports import Clock, Happened, Observer, Turns

EVERY: Final = 30.0
"""Seconds between rounds."""
PAUSE: Final = 0.5
"""Seconds between rounds while one does not do: a busy day leaves more in half a minute than one of them takes."""
AT_ONCE: Final = 500
"""Turns that one round forgets."""


async def tidy(*, turns: Turns, clock: Clock, observer: Observer, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Go on until it is cancelled."""
    pause = EVERY
    while True:
        await sleep(pause)
        pause = EVERY
        try:
            if await turns.forget(clock.now(), AT_ONCE) >= AT_ONCE:
                pause = PAUSE
        except Exception as failed:  # noqa: BLE001  the next round tries again
            observer.saw(Happened(name=Happening.TIDY_FAILED, labels={"error": repr(failed)}))
