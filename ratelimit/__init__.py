"""What each user may use: tiers of caps over windows of time, held before a request and settled after it.

`parse_tiers` reads the tiers, a `Limiter` decides with a `Ledger`, `ratelimit.wording` says it to people and programs.
Needs the standard library only, and nothing of the server. Times are integer microseconds since the epoch.
"""

from ratelimit.extras import Extras
from ratelimit.ledger import Ledger, LedgerAway
from ratelimit.limiter import Ask, Held, Limiter, Refused, ServedBy, UsageReport, UsageRow
from ratelimit.limits import Limits
from ratelimit.prices import Price
from ratelimit.tiers import Cap, InvalidTiers, Tier, TierError, Tiers, parse_tiers

__all__ = [
    "Ask",
    "Cap",
    "Extras",
    "Held",
    "InvalidTiers",
    "Ledger",
    "LedgerAway",
    "Limiter",
    "Limits",
    "Price",
    "Refused",
    "ServedBy",
    "Tier",
    "TierError",
    "Tiers",
    "UsageReport",
    "UsageRow",
    "parse_tiers",
]
