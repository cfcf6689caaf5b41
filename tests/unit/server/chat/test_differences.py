"""What differs between two revisions."""

from dataclasses import replace

from server.chat.differences import difference
from tests.unit.server.chat.cast import compiled, revision

OLD = replace(revision(), source="a\nb\n")


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:1] in {"+", "-"}]


def test_written_texts_are_compared() -> None:
    """Lines that were written anew are shown between the names of both revisions."""
    new = replace(OLD, number=2, digest="other", source="a\nc\n")
    assert lines(difference(OLD, new)) == ["--- assistant@1", "+++ assistant@2", "-b", "+c"]


def test_what_came_from_above_is_shown_too() -> None:
    """Where the text is the same, what it was composed to is compared, line by line."""
    above = compiled()
    passage = above.house[0].model_copy(update={"text": above.house[0].text + "\nNever say never."})
    new = revision(2, above.model_copy(update={"house": (passage, *above.house[1:])}))
    shown = lines(difference(OLD, replace(new, source=OLD.source)))
    assert shown[:2] == ["--- assistant@1 (composed)", "+++ assistant@2 (composed)"]
    assert any("Never say never." in line for line in shown)


def test_equal_revisions() -> None:
    """Nothing differs."""
    assert difference(OLD, OLD) == ""
