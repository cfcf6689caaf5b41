"""Names and secrets from the randomness of this machine."""

import secrets
from typing import Final

_BYTES: Final = 16


class SystemIds:
    """An `Ids`. A name ends in hexadecimal digits, so that a double click selects it whole."""

    def new(self, prefix: str) -> str:
        """Return `prefix_` and 128 random bits."""
        return f"{prefix}_{secrets.token_hex(_BYTES)}"


def new_secret() -> str:
    """Return the secret of a new key: `sk-` and 256 random bits."""
    return f"sk-{secrets.token_urlsafe(32)}"


def new_client_secret() -> str:
    """Return a new client secret: `ek_` and 256 random bits."""
    return f"ek_{secrets.token_urlsafe(32)}"


def new_signing_secret() -> bytes:
    """Return 256 random bits."""
    return secrets.token_bytes(32)


def new_node() -> bytes:
    """Return 64 random bits that tell this process from others for as long as it lives."""
    return secrets.token_bytes(8)
