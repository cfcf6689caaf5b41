"""What gives a marker or a secret away, what a blocklist stops, and what passes."""

import codecs
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable

import pytest

from server.core.automaton import Matcher, Pattern, Patterns, Rule
from server.core.screening import blocklist_patterns, make_marker, marker_patterns, secret_patterns

MARKER = make_marker(b"a server's secret", "sha256:0123")
WATCHED = Patterns(marker_patterns(MARKER))
SECRETS = Patterns(secret_patterns())
LEAK = Rule("leak", "marker")
RANDOM = "q7Zk2VbX9cM4nRt8WpLs1YdHf6GjKa3QeUi5OoTzBxNv0CyDmErF"
"""Letters and digits that stand for the random part of a key."""


def screen(patterns: Patterns | Iterable[Pattern], *pieces: str) -> tuple[str, Rule | None]:
    """Return what is released of a text that comes in `pieces`, and what is found."""
    matcher = Matcher(patterns if isinstance(patterns, Patterns) else Patterns(patterns))
    fed = [matcher.feed(piece) for piece in pieces]
    return "".join(text for text, _ in [*fed, matcher.close()]), matcher.close()[1]


def spelled(marker: str) -> dict[str, str]:
    """Return ways to write the marker that must not get out, from their first telling character."""
    raw = marker.encode()
    return {
        "plain": marker,
        "upper case": marker.upper(),
        "full width": "".join(chr(ord(char) + 0xFEE0) for char in marker),
        "blanks": " ".join(marker),
        "line ends": "\r\n".join(marker),
        "zero width": "\u200b".join(marker),
        "list": ", ".join(marker),
        "no separators": marker.replace("-", ""),
        "markdown": marker.replace("-", "** - **"),
        "reversed": marker[::-1],
        "reversed, spelled": " ".join(reversed(marker)),
        "rot13": codecs.encode(marker, "rot13"),
        "hex": raw.hex(),
        "upper hex": raw.hex().upper(),
        "hex pairs": raw.hex(" "),
        "hex literals": ", ".join(f"0x{byte:02x}" for byte in raw)[2:],
        "escapes": "".join(f"\\x{byte:02x}" for byte in raw)[2:],
        "per cent": "".join(f"%{byte:02X}" for byte in raw)[1:],
        "base64": b64encode(raw).decode(),
        "last part": marker.rpartition("-")[2],
        "last part, spelled": " ".join(marker.rpartition("-")[2]),
    }


def test_a_marker_is_made_of_two_words_and_a_number() -> None:
    """A marker has the form that people can find again in a log."""
    assert re.fullmatch(r"[a-z]+-[a-z]+-[0-9a-f]{10}", MARKER)


def test_a_marker_depends_on_the_secret_and_the_revision_alone() -> None:
    """Equal arguments make equal markers; another secret or revision makes another."""
    assert make_marker(b"a server's secret", "sha256:0123") == MARKER
    assert len({make_marker(secret, digest) for secret in (b"a", b"b") for digest in ("1", "2")}) == 4


@pytest.mark.parametrize("way", spelled(MARKER))
def test_no_part_of_a_marker_gets_out_wherever_it_is_cut(way: str) -> None:
    """For each way to write the marker and each cut, only the text before it is released."""
    written = spelled(MARKER)[way]
    for cut in range(len(written) + 1):
        assert screen(WATCHED, "It says: " + written[:cut], written[cut:] + " so.") == ("It says: ", LEAK)
    assert screen(WATCHED, *"It says: ", *written) == ("It says: ", LEAK)


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("before", range(6))
def test_a_marker_inside_a_longer_base64_text_does_not_get_out(encode: Callable[[bytes], bytes], before: int) -> None:
    """At each alignment nothing is released that the marker alone decides."""
    text = encode(b"\xff\xfe prompt?"[: before + 2] + MARKER.encode() + b" \xff\xfe").decode()
    start = (8 * (before + 2) + 5) // 6
    for pieces in ([text], list(text), [text[: start + 9], text[start + 9 :]]):
        assert screen(WATCHED, *pieces) == (text[:start], LEAK)
    assert screen(WATCHED, text[:start], *text[start : start + 8], "\n", *text[start + 8 :]) == (text[:start], LEAK)


def test_an_empty_marker_matches_nothing() -> None:
    """A prompt without a marker gives nothing to watch for."""
    assert list(marker_patterns("")) == []


def test_a_short_last_part_is_not_watched_for_alone() -> None:
    """What may stand in any text is no sign of a leak."""
    assert screen(marker_patterns("quartz-lantern-7f3a"), "commit 7f3a") == ("commit 7f3a", None)


def test_another_marker_passes() -> None:
    """Only the marker of this revision is watched for."""
    other = make_marker(b"another secret", "sha256:0123")
    assert screen(WATCHED, *f"I read {other} in a log.") == (f"I read {other} in a log.", None)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("sk-" + RANDOM[:48], "api_key"),
        ("sk-proj-" + RANDOM[:20] + "_-" + RANDOM[20:], "api_key"),
        ("ek_" + RANDOM[:32], "client_secret"),
        ("AKIA" + "Z7QK2VBXCM4NRTWP", "aws_access_key_id"),
        ("ASIA" + "Z7QK2VBXEXAMPLEQ", "aws_access_key_id"),
        ("ghp_" + RANDOM[:36], "github_token"),
        ("gho_" + RANDOM[:36], "github_token"),
        ("github_pat_" + RANDOM[:22] + "_" + RANDOM + RANDOM[:7], "github_token"),
        ("xoxb-123456789012-" + RANDOM[:24], "slack_token"),
        ("AIza" + RANDOM[:35], "google_api_key"),
        ("sk_live_" + RANDOM[:24], "stripe_key"),
        ("sk_live_" + "abcdefGhijklmnopqrstuvwx", "stripe_key"),
        ("AKIA" + "ZQKBVBXCMNRTWPLS", "aws_access_key_id"),
        ("rk_live_" + RANDOM[:24], "stripe_key"),
        ("-----BEGIN PRIVATE KEY-----\n" + RANDOM, "private_key"),
        ("-----BEGIN RSA PRIVATE KEY-----\r\n" + RANDOM, "private_key"),
        ("-----BEGIN PRIVATE KEY-----\\n" + RANDOM, "private_key"),
    ],
)
def test_a_live_key_does_not_get_out(key: str, name: str) -> None:
    """Of a key in a known format nothing is released, however it is cut."""
    for pieces in ([f"Use {key} here."], [f"Use {key}"], list(f"Use {key}\n")):
        assert screen(SECRETS, *pieces) == ("Use ", Rule("secret", name))


@pytest.mark.parametrize(
    "text",
    [
        "sk- is how such keys begin.",
        "Set OPENAI_API_KEY=sk-your-key-here and go.",
        "sk-" + "x" * 60,
        'class="sk-folding-cube-wrapper-of-the-small-and-slow-animation"',
        "task-" + RANDOM,
        "AKIAIOSFODNN7EXAMPLE",
        "AKIA" + "X" * 16,
        "AKIAZ7QK2VBXCM4NRTWPQ",
        "ghp_" + "x" * 36,
        "AIza" + "X" * 35,
        "sk_live_" + "your" * 6,
        "ghp_" + RANDOM[:35],
        "xoxb-your-token",
        "sk_test_" + RANDOM[:24],
        "A file begins with -----BEGIN PRIVATE KEY----- and a line end.",
        "-----BEGIN PRIVATE KEY-----\nMIIE...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + RANDOM,
    ],
)
def test_what_only_looks_like_a_key_passes(text: str) -> None:
    """Prefixes in prose, placeholders and documented examples are released byte for byte."""
    assert screen(SECRETS, *text) == (text, None)


def test_a_prefix_is_released_as_soon_as_it_can_no_longer_be_a_key() -> None:
    """A key's prefix in prose is held only until the next character decides."""
    matcher = Matcher(SECRETS)
    assert matcher.feed("keys begin with sk-") == ("keys begin with ", None)
    assert matcher.feed(" ") == ("sk- ", None)


def test_a_blocked_phrase_is_named_by_its_place() -> None:
    """The rule does not repeat the phrase."""
    patterns = blocklist_patterns(["first thing", "second thing"])
    assert screen(patterns, "the second thing!") == ("the ", Rule("blocklist", "phrase-2"))


@pytest.mark.parametrize(
    "text",
    ["project owl", "PROJECT  OWL", "Pr\u043eject\nowl", "\uff30roject Owl", "pro\u00adject o\u200bwl"],
)
def test_a_blocked_phrase_is_found_in_any_dress(text: str) -> None:
    """Case, blanks, width, look-alikes and invisible characters do not hide a phrase."""
    assert screen(blocklist_patterns(["Project Owl"]), *f"On {text}.") == ("On ", Rule("blocklist", "phrase-1"))


@pytest.mark.parametrize("text", ["project owls", "myproject owl", "project-owl", "pr0ject owl"])
def test_a_blocked_phrase_is_found_as_whole_words_only(text: str) -> None:
    """Longer words, other separators and digits for letters are not the phrase."""
    assert screen(blocklist_patterns(["Project Owl"]), *text) == (text, None)


def test_a_phrase_in_a_script_without_spaces_is_found_inside_a_sentence() -> None:
    """Where words are not separated, a phrase is found between any characters."""
    rule = Rule("blocklist", "phrase-1")
    assert screen(blocklist_patterns(["\u79d8\u5bc6"]), *"\u8fd9\u662f\u79d8\u5bc6\u5417") == ("\u8fd9\u662f", rule)


def test_a_phrase_may_begin_and_end_with_signs() -> None:
    """Word boundaries count only where the phrase begins or ends with a letter or digit."""
    assert screen(blocklist_patterns(["+Owl+"]), "a+owl+b") == ("a", Rule("blocklist", "phrase-1"))


@pytest.mark.parametrize("phrase", ["", "  ", "\u200b"])
def test_a_phrase_that_cannot_be_seen_is_refused(phrase: str) -> None:
    """A blocklist with an empty phrase is an error that names its place."""
    with pytest.raises(ValueError, match="phrase 2 of the blocklist"):
        list(blocklist_patterns(["owl", phrase]))
