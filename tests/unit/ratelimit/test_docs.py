"""The page on limits says what the code does, and that on promises names the tests of them."""

import re
from pathlib import Path

import pytest
import yaml

from ratelimit.lines import MAX_WINDOW_US, SECOND_US
from ratelimit.meter import MAX_ENTRIES, SLOTS
from ratelimit.tiers import InvalidTiers, parse_tiers

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
PROMISES = next((ROOT / "docs" / "design").glob("*-what-caps-promise.md")).read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
MODELS = ("gpt-4", "gpt-4-mini", "local")


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_is_accepted(text: str) -> None:
    """Each fenced example is a configuration that parses."""
    raw = yaml.safe_load(text)
    tiers = parse_tiers(
        raw["tiers"],
        groups=raw.get("groups", {}),
        models=MODELS,
        default_tier=raw["default_tier"],
        priced=MODELS,
        everyone=raw.get("caps", {}).get("everyone"),
    )
    assert list(tiers.by_name) == list(raw["tiers"])


def test_there_are_examples() -> None:
    """The fences are found."""
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("word", ["adaptive", "price_id"])
def test_what_the_page_calls_refused_is_refused(word: str) -> None:
    """A line that the page says is refused for now is refused."""
    assert f"`{word}`" in PAGE
    with pytest.raises(InvalidTiers, match="not enforced yet"):
        parse_tiers({"free": {word: "1 / 24h"}}, groups={}, models=MODELS, default_tier="free")


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    """Bounds that the page names are the constants."""
    assert f"more than {MAX_ENTRIES} in a window" in PAGE
    assert f"1/{SLOTS} of the window" in PAGE
    assert f"to {MAX_WINDOW_US // SECOND_US // 86_400} days" in PAGE


def test_every_promise_names_tests_that_are_there() -> None:
    """Each of the eighteen promises names tests, and each of them exists."""
    rows = re.findall(r"^\| (\d+|The machine)\b.*", PROMISES, re.MULTILINE)
    assert rows == [*map(str, range(1, 19)), "The machine"]
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", PROMISES)
    assert len(named) > len(rows)
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), test


def test_every_charging_rule_names_tests_that_are_there() -> None:
    """Each row of the table of charges ends with its tests, and each of them exists."""
    table = PAGE.partition("## What is charged")[2].partition("\n\n")[2].partition("\n\n")[0]
    written = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    rows = table.splitlines()[2:]
    assert len(rows) > 12
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rsplit("|", 2)[1])
        assert named, row
        assert all(f"def {test}(" in written for test in named), row


def test_the_example_of_the_library_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of Python in the README are run one after the other, with the output that is printed under them."""
    page = (ROOT / "ratelimit" / "README.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    shown = 0
    for language, text in re.findall(r"```(python|text)\n(.*?)```", page, re.DOTALL):
        if language == "python":
            exec(compile(text, "README.md", "exec"), names)  # noqa: S102  # ours
        else:
            printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
            assert printed == text.splitlines()
            shown += 1
    assert shown == 2
