"""What screening looks for: the leak marker of a prompt, live secrets, and the phrases of the operator's blocklist.

Exact rules only; `docs/safety.md` says what they do not catch.
"""

import codecs
import hmac
from base64 import b64encode
from collections.abc import Iterator, Sequence
from string import ascii_letters, ascii_uppercase, digits
from typing import Final

from server.core.automaton import Pattern, Rule, View
from server.core.folding import as_is, bare, folded, kind_of

_WORDS: Final = (
    "amber anchor aspen basil beacon birch bronze cactus canyon cedar cinder clover cobalt copper coral cotton "
    "crystal cypress dahlia delta ember falcon fern flint garnet ginger granite harbor hazel heron indigo iris "
    "ivory jade jasper juniper kelp lagoon lantern laurel lotus magnet maple marble meadow mercury nectar nickel "
    "obsidian olive onyx opal orchid pebble pepper pewter prairie quartz raven saffron sierra topaz velvet willow"
)
_HEX_DIGITS: Final = 10
_TELLING: Final = 8
"""Letters and digits that the last part of a marker must have to be watched for by itself."""

_ALNUM: Final = ascii_letters + digits
_URL_SAFE: Final = _ALNUM + "_-"
_BASE32: Final = ascii_uppercase + "234567"
_UNLIKE_A_PLACEHOLDER: Final = digits + ascii_uppercase.replace("X", "")


def make_marker(secret: bytes, digest: str) -> str:
    """Return the leak marker of the revision with this digest: two words and a hex number, 52 bits.

    The same for the same arguments; nobody without `secret` can tell it.
    """
    mac = hmac.digest(secret, b"leak marker\0" + digest.encode(), "sha256")
    known = _WORDS.split()
    words = [known[byte % len(known)] for byte in mac[:2]]
    return "-".join([*words, mac[2:].hex()[:_HEX_DIGITS]])


def marker_patterns(marker: str) -> Iterator[Pattern]:
    """Yield what gives `marker` away: as it is, reversed, rot13, hex and base64, whatever case and separators.

    Its last part is watched for by itself too, if it is long enough to tell. An empty marker yields nothing.
    """
    rule = Rule("leak", "marker")
    tail = marker.rpartition("-")[2]
    for secret in [marker, tail] if len(tail) >= _TELLING else [marker]:
        for spelling in _spellings(secret):
            if steps := _seen(bare, spelling):
                yield Pattern(rule=rule, steps=steps, view=bare)


def secret_patterns() -> Iterator[Pattern]:
    """Yield the formats of live keys, but for placeholders such as `sk-xxxx` and `AKIAXXXX`."""
    for name, steps in _key_formats():
        yield Pattern(rule=Rule("secret", name), steps=steps, view=as_is, opens_word=True, needs=_UNLIKE_A_PLACEHOLDER)
    for steps in _aws_key_ids():
        rule = Rule("secret", "aws_access_key_id")
        needs = _UNLIKE_A_PLACEHOLDER
        yield Pattern(rule=rule, steps=steps, view=as_is, opens_word=True, closes_word=True, needs=needs)
    for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH "):
        # A bare header is how people explain the format; a key has a line of its body after it.
        for line_end in (" ", "\\n"):
            header = f"-----BEGIN {kind}PRIVATE KEY-----{line_end}"
            steps = (*header, *[_ALNUM + "+/"] * 40)
            yield Pattern(rule=Rule("secret", "private_key"), steps=steps, view=as_is)


def blocklist_patterns(phrases: Sequence[str]) -> Iterator[Pattern]:
    """Yield the operator's phrases, whatever their case, width or look-alikes, as whole words.

    A rule is named by the place of its phrase, from 1, so that logs do not repeat what must not be said. Raises
    `ValueError` for a phrase in which nothing can be seen.
    """
    for place, phrase in enumerate(phrases, 1):
        steps = " ".join(_seen(folded, phrase).split())
        if not steps:
            raise ValueError(f"phrase {place} of the blocklist has no visible character")
        yield Pattern(
            rule=Rule("blocklist", f"phrase-{place}"),
            steps=steps,
            view=folded,
            opens_word=kind_of(steps[0]) == "word",
            closes_word=kind_of(steps[-1]) == "word",
        )


def _seen(view: View, text: str) -> str:
    return "".join(map(view, text))


def _spellings(secret: str) -> Iterator[str]:
    """Yield the ways to write `secret` that are watched for; the view that looks for them takes out separators."""
    raw = secret.encode()
    yield secret
    yield secret[::-1]
    yield codecs.encode(secret, "rot13")
    yield raw.hex()
    for prefix in ("x", "0x"):
        yield prefix.join(f"{byte:02x}" for byte in raw)
    for before in range(3):
        encoded = b64encode(bytes(before) + raw).decode()
        # The characters at both ends depend on what stands around the secret.
        yield encoded[(8 * before + 5) // 6 : 8 * (before + len(raw)) // 6]


def _key_formats() -> Iterator[tuple[str, Sequence[str]]]:
    """Yield keys that a telling prefix begins, up to the length at which they are beyond doubt."""
    yield "api_key", (*"sk-", *[_URL_SAFE] * 40)
    yield "client_secret", (*"ek_", *[_URL_SAFE] * 32)
    yield "github_token", (*"gh", "pousr", "_", *[_ALNUM] * 36)
    yield "github_token", (*"github_pat_", *[_ALNUM] * 22, "_", *[_ALNUM] * 59)
    yield "slack_token", (*"xox", "abp", "-", *[digits] * 10, *[_ALNUM + "-"] * 14)
    yield "google_api_key", (*"AIza", *[_URL_SAFE] * 35)
    yield "stripe_key", ("sr", *"k_live_", *[_ALNUM] * 24)


def _aws_key_ids() -> Iterator[Sequence[str]]:
    """Yield key ids of AWS, but for the one that all its documentation shows, which ends with EXAMPLE."""
    shown = "EXAMPLE"
    for same in range(len(shown)):
        other = _BASE32.replace(shown[same], "")
        rest = len(shown) - same - 1
        for prefix in ("AKIA", "ASIA"):
            yield (*prefix, *[_BASE32] * 9, *shown[:same], other, *[_BASE32] * rest)
