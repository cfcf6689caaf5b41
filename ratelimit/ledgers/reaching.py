"""What shared ledgers have in common: how they say that their server cannot be reached."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ratelimit.ledger import LedgerAway

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Call = Callable[_P, Coroutine[Any, Any, _T]]


def away_on(*failures: type[Exception]) -> Callable[[_Call[_P, _T]], _Call[_P, _T]]:
    """Return a decorator for calls to a server, in which any of `failures` means that it cannot be reached."""

    def decorate(call: _Call[_P, _T]) -> _Call[_P, _T]:
        @wraps(call)
        async def told(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            try:
                return await call(*args, **kwargs)
            except failures as failed:
                why = str(failed) or type(failed).__name__
                raise LedgerAway(f"the server that keeps the caps cannot be reached: {why}") from failed

        return told

    return decorate
