"""What a provider's refusals mean to us: HTTP statuses to failures of the catalogue, and texts made fit to be shown."""

import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import isfinite
from typing import Final

from server.core.ports import UpstreamFailed

MESSAGE_LIMIT: Final = 300
"""Characters of a provider's message that are passed on."""

_KEY = re.compile(r"\b(?:sk|pk|key|api[-_]key)[-_][\w*.…-]{6,}", re.IGNORECASE)
_UNSHOWN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def failure(status: int, message: str = "", *, retry_after: float | None = None) -> UpstreamFailed:
    """Return what an answer with `status` means. Only a rejection passes the provider's `message` on.

    What concerns the operator alone (credentials, quota) says nothing of the provider's text to a client.
    """
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            about = "The model's provider is over its own limit."
            return UpstreamFailed("upstream_rate_limited", about, elsewhere=True, retry_after=retry_after)
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.GATEWAY_TIMEOUT:
            return UpstreamFailed("upstream_timeout", "The model's provider did not answer in time.", elsewhere=True)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            about = "The model's provider does not let this server in."
            return UpstreamFailed("upstream_unavailable", about, elsewhere=True)
        case status if (
            HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.CONFLICT
        ):
            about = message or "The model's provider refused the request."
            return UpstreamFailed("upstream_rejected", about, elsewhere=False)
        case _:
            about = f"The model's provider failed with status {status}."
            return UpstreamFailed("upstream_unavailable", about, elsewhere=True, retry_after=retry_after)


def shown(message: str, secrets: Sequence[str]) -> str:
    """Return `message` on one line, without `secrets` or anything that looks like a key, in at most 300 characters."""
    for secret in secrets:
        if secret:
            message = message.replace(secret, "…")
    message = _UNSHOWN.sub(" ", _KEY.sub("…", message)).strip()
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds after which the provider wants to be asked again; None if it does not say.

    A date is read against the provider's own `date`.
    """
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers[name]) / per_second
        except (KeyError, ValueError):
            continue
        if isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        again, now = parsedate_to_datetime(headers["retry-after"]), parsedate_to_datetime(headers["date"])
        return max(0.0, (again - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
