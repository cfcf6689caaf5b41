"""Languages come from a closed list, whatever a client calls its own."""

import pytest

from personas.languages import known_locale


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("en", "en"),
        ("en-GB", "en-GB"),
        ("EN_gb", "en-GB"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("zh-Hant", "zh-Hant"),
        ("yue-HK", "yue-HK"),
        ("sr-Latn-RS-x-private", "sr-Latn-RS"),
        ("en-ignore-all-rules", "en"),
        ("de-1996", "de"),
        ("xx", ""),
        ("ignore", ""),
        ("", ""),
        (None, ""),
        ("en" + "-" * 200, ""),
        ("en\n## Rules", ""),
    ],
)
def test_only_words_of_the_lists_come_out(said: str | None, known: str) -> None:
    """What is on no list is dropped; the rest is written in one way."""
    assert known_locale(said) == known
