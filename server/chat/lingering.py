"""Answers that nobody follows: stopped at once if nobody could come back to them, else after a while."""

import asyncio

from server.chat.answer import Answer


class Lingering:
    """Watches the answers of one event loop. One that nobody has followed for `seconds` is stopped."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._watched: dict[str, Answer] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def watch(self, answer: Answer) -> None:
        """Begin: nobody follows it yet, and if nobody ever does it must not go on for ever."""
        self._watched[answer.turn.id] = answer
        answer.live.on_deserted = lambda: self._deserted(answer)
        self.begin_again(answer)

    def begin_again(self, answer: Answer) -> None:
        """Let its while begin anew: somebody follows it, at another process."""
        turn = answer.turn
        if self._watched.get(turn.id) is not answer or turn.background:
            return

        def look() -> None:
            self._timers.pop(turn.id, None)
            if not answer.live.followers:
                answer.stop("deserted")

        self._forget_timer(turn.id)
        if not answer.live.ended:
            self._timers[turn.id] = asyncio.get_running_loop().call_later(self._seconds, look)

    def let_go(self, answer: Answer) -> None:
        """Watch it no longer."""
        if self._watched.get(answer.turn.id) is answer:
            del self._watched[answer.turn.id]
            self._forget_timer(answer.turn.id)

    def _deserted(self, answer: Answer) -> None:
        recoverable = answer.live.delivered or answer.turn.client_request_id is not None or answer.turn.background
        if recoverable:
            self.begin_again(answer)
        else:
            answer.stop("deserted")

    def _forget_timer(self, turn_id: str) -> None:
        timer = self._timers.pop(turn_id, None)
        if timer is not None:
            timer.cancel()
