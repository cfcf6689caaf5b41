"""What has to be told of calls to upstreams, so that no more is asked of them than they take."""

from collections.abc import Iterable, Sequence
from typing import Protocol


class Capacity(Protocol):
    """Hears how upstreams take calls, and says which of them to ask first. Never raises, never waits.

    Each `asked` is followed by one `ended`. A call that is refused is `dropped`, one that begins to answer `answered`.
    Times are microseconds.
    """

    def order(self, model: str, upstreams: Iterable[str]) -> Sequence[str]:
        """Return all the upstreams, those without room last."""

    def asked(self, upstream: str, model: str) -> None:
        """A call begins."""

    def answered(self, upstream: str, model: str, waited_us: int) -> None:
        """Its first text came so long after it was asked."""

    def dropped(self, upstream: str, model: str, retry_after_us: int | None) -> None:
        """It was refused for want of room or not answered in time; the upstream may say when to come again."""

    def ended(self, upstream: str, model: str) -> None:
        """It is over, however it went."""
