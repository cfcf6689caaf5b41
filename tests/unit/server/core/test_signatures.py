"""Signed messages: who may say it, and not said before."""

import pytest

from server.core.errors import Refused
from server.core.signatures import TOLERANCE_US, check, key_of, signature

# The example of the specification (standardwebhooks.com), with what its libraries make of it.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = 1_614_265_330_000_000


def headers(**changes: str) -> dict[str, str]:
    """Return the headers of the message, some of them changed."""
    found = {"webhook-id": ID, "webhook-timestamp": AT, "webhook-signature": SIGNED}
    return found | {name.replace("_", "-"): value for name, value in changes.items()}


def test_the_example_of_the_specification_is_accepted() -> None:
    """The signature is that of every library of the standard."""
    assert signature(key_of(SECRET), ID, AT, BODY) == SIGNED
    assert check(key_of(SECRET), headers(), BODY, NOW) == ID


def test_one_of_several_signatures_is_enough() -> None:
    """While a sender changes its secret it signs with both, in any order and of any version."""
    other = signature(key_of("whsec_" + "A" * 32), ID, AT, BODY)
    assert check(key_of(SECRET), headers(webhook_signature=f"v1a,xyz {other} {SIGNED}"), BODY, NOW) == ID


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_id": "msg_other"},
        {"webhook_id": ""},
        {"webhook_id": "m" * 129},
        {"webhook_timestamp": "1614265331"},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "-1614265330"},
        {"webhook_timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook_timestamp": "9" * 5_000},
        {"webhook_signature": ""},
        {"webhook_signature": SIGNED.replace("v1", "v2")},
        {"webhook_signature": SIGNED[:-1]},
        {"webhook_signature": "v1,\xff\ud800"},
        {"webhook_signature": ("v1,x " * 16) + SIGNED},
    ],
)
def test_anything_else_is_refused(changes: dict[str, str]) -> None:
    """An id, a time or a signature that is absent, another one or no such thing; never a fault."""
    with pytest.raises(Refused) as refused:
        check(key_of(SECRET), headers(**changes), BODY, NOW)
    assert refused.value.code == "invalid_signature"


def test_another_body_or_secret_is_refused() -> None:
    """The signature is over every byte of the body."""
    for key, body in ((key_of(SECRET), BODY + b" "), (key_of("whsec_" + "A" * 32), BODY)):
        with pytest.raises(Refused):
            check(key, headers(), body, NOW)


@pytest.mark.parametrize("off", [TOLERANCE_US, -TOLERANCE_US])
def test_what_was_signed_long_ago_cannot_be_sent_again(off: int) -> None:
    """Five minutes, before and after, are the most that clocks and networks may take."""
    assert check(key_of(SECRET), headers(), BODY, NOW + off) == ID
    with pytest.raises(Refused, match="five minutes"):
        check(key_of(SECRET), headers(), BODY, NOW + off + (1 if off > 0 else -1))


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_§" + "A" * 40]
)
def test_a_weak_secret_is_refused_and_not_repeated(secret: str) -> None:
    """A secret is base64 of at least 24 bytes."""
    with pytest.raises(ValueError, match="24 random bytes") as refused:
        key_of(secret)
    assert len(secret) < 8 or secret not in str(refused.value)
