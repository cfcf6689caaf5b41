"""Who comes too often, whatever they come for: requests of a user, and keys that are none from an address."""

import hashlib
import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from server.core.errors import Refused
from server.core.pace import Pace

MOST_KNOWN: Final = 10_000
"""Wrong keys that are remembered, so that a program that goes on with one counts as one guess."""


class Doorkeeper:
    """Of this process. `clock` is seconds that never go back; None leaves something unbounded.

    Nothing is counted by the address of this machine: behind a proxy on it that is not trusted, it is everybody's.
    """

    def __init__(self, *, clock: Callable[[], float], requests: int | None, wrong_keys: int | None) -> None:
        self._clock = clock
        self._requests = Pace(requests) if requests else None
        self._wrong_keys = Pace(wrong_keys) if wrong_keys else None
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def request(self, user_id: str) -> None:
        """Count a request of the user. Raises `Refused`."""
        if self._requests is None:
            return
        now = self._clock()
        if wait := self._requests.wait(user_id, now):
            raise _too_often("You ask too often.", wait)
        self._requests.count(user_id, now)

    def knock(self, address: str | None) -> None:
        """Let somebody offer a key. Raises `Refused` where too many from their network were none."""
        network = network_of(address)
        if self._wrong_keys is None or network is None:
            return
        if wait := self._wrong_keys.wait(network, self._clock()):
            raise _too_often("Too many keys from your network were none.", wait)

    def wrong(self, address: str | None, secret: str) -> None:
        """Count a key that is none; the same one again counts once."""
        network = network_of(address)
        if self._wrong_keys is None or network is None:
            return
        digest = hashlib.sha256(f"{network} {secret}".encode(errors="surrogatepass")).digest()
        if digest not in self._known:
            self._known[digest] = None
            self._wrong_keys.count(network, self._clock())
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)


def network_of(address: str | None) -> str | None:
    """Return the network that people behind an address share; None for this machine and for what is no address."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if found.version == 6 and found.ipv4_mapped:  # noqa: PLR2004  the other kind of address
        found = found.ipv4_mapped
    if found.is_loopback:
        return None
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 56), strict=False))  # noqa: PLR2004


def _too_often(what: str, wait: float) -> Refused:
    seconds = math.ceil(wait)
    return Refused(
        "too_many_requests", f"{what} Come again in {seconds} seconds.", headers={"retry-after": str(seconds)}
    )
