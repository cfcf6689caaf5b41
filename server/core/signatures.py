"""Signed messages from other programs, as standardwebhooks.com describes them: who may say it, and not said before.

Pure: the time is an argument, in microseconds.
"""

import base64
import hmac
from collections.abc import Mapping
from typing import Final

from server.core.errors import Refused

PREFIX: Final = "whsec_"
LEAST_BYTES: Final = 24
TOLERANCE_US: Final = 300_000_000
"""How far a message's time may be from ours: what somebody has listened to cannot be sent again later."""
LONGEST_ID: Final = 128
_MOST_SIGNATURES: Final = 16


def key_of(secret: str) -> bytes:
    """Return the key that `whsec_…` stands for. Raises `ValueError`."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or len(key) < LEAST_BYTES:
        # The value is a secret: it is not repeated.
        raise ValueError("This is no secret for signatures. Write whsec_ and at least 24 random bytes in base64.")
    return key


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return what a sender signs a message with."""
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def check(key: bytes, headers: Mapping[str, str], body: bytes, now: int) -> str:
    """Return the id of a message that its headers prove. Raises `Refused("invalid_signature")`.

    A message may carry several signatures, of which one has to be right; all are compared in constant time.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    sent = int(timestamp) * 1_000_000 if timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12 else None  # noqa: PLR2004  seconds
    if not 0 < len(message_id) <= LONGEST_ID or not message_id.isprintable() or sent is None:
        raise _refused("It needs the headers webhook-id, webhook-timestamp and webhook-signature.")
    expected = signature(key, message_id, timestamp, body).encode()
    offered = headers.get("webhook-signature", "").split()[:_MOST_SIGNATURES]
    if True not in [hmac.compare_digest(expected, one.encode(errors="surrogatepass")) for one in offered]:
        raise _refused("The signature is not that of this message.")
    # Only now, so that nobody learns our time from guesses.
    if abs(now - sent) > TOLERANCE_US:
        raise _refused("The message was signed more than five minutes from now. Sign it anew, or set the clock.")
    return message_id


def _refused(why: str) -> Refused:
    return Refused("invalid_signature", why)
