"""Bodies are split at their headings."""

import pytest

from personas.sections import heading_key, split


def test_opening_and_sections_have_their_lines() -> None:
    """The opening comes first with the heading ""; lines are those of the file."""
    sections = split("\nHello.\n\n## One\n\ntext\n\n## Two\nmore\n", path="p.md", first_line=5)
    assert [(s.heading, s.text, s.line, s.text_line) for s in sections] == [
        ("", "Hello.", 6, 6),
        ("One", "text", 8, 10),
        ("Two", "more", 12, 13),
    ]


def test_an_empty_body_has_no_sections() -> None:
    """White space alone is no opening."""
    assert split("\n  \n", path="p.md", first_line=1) == ()


def test_a_heading_may_have_nothing_under_it() -> None:
    """An empty section is kept: it removes an inherited one."""
    (section,) = split("## Gone\n\n", path="p.md", first_line=1)
    assert (section.heading, section.text) == ("Gone", "")


@pytest.mark.parametrize("line", ["# One", "### Three", "##Close", "    ## Code", "text ## no", "\\## no"])
def test_other_lines_are_text(line: str) -> None:
    """Only a line that begins with two signs and a space is a heading."""
    (section,) = split(f"text\n{line}", path="p.md", first_line=1)
    assert section.text == f"text\n{line}"


@pytest.mark.parametrize("line", ["## Bounds", "   ##   Bounds   ", "## Bounds ##", "##\tBounds"])
def test_headings_are_found_in_every_spelling(line: str) -> None:
    """Indentation, closing signs and tabs make no other heading."""
    assert split(line, path="p.md", first_line=1)[0].heading == "Bounds"


def test_headings_in_fenced_code_are_text() -> None:
    """A fence closes only with a mark of its own kind and length."""
    body = "## A\n````\n## no\n```\n## no\n~~~~\n````\n## B\n~~~ md\n## no\n~~~\n"
    assert [section.heading for section in split(body, path="p.md", first_line=1)] == ["A", "B"]


@pytest.mark.parametrize("heading", ["BOUNDS", " bounds ", "\uff22ounds", "bound\u017f"])
def test_one_heading_has_one_key(heading: str) -> None:
    """Case, space and letter forms do not make another heading."""
    assert heading_key(heading) == heading_key("Bounds")


def test_words_make_another_key() -> None:
    """Other words are another heading."""
    assert heading_key("My bounds") != heading_key("Bounds")
