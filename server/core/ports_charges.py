"""What has to be known of usage rows, so that each charge reaches the caps ledger."""

from collections.abc import Collection, Sequence
from typing import Protocol

from server.core.records import UsageRow


class Charges(Protocol):
    """The usage rows of all turns, as charges that the ledger has to hear of. A row is written as its turn ends."""

    async def unsettled(self, before: int, limit: int, after: UsageRow | None = None) -> Sequence[UsageRow]:
        """Return up to `limit` rows that ended before `before` and are not noted as settled, oldest first.

        What held nothing is never among them, nor, with `after`, that row and those before it.
        """

    async def settled(self, turn_ids: Collection[str], now: int) -> None:
        """Note that the ledger was told what these turns cost. Noting it again changes nothing."""
