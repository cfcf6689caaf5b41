"""One persona file: what is read, and every way to be refused."""

import pytest

from personas.persona import MAX_BYTES, NotBeside, Persona, parse
from personas.problems import PersonaRefused, Problem

HEAD = "---\nspec: persona/1\nname: p\nsummary: S.\n"


def read(extra: str = "", body: str = "Text.", files: dict[str, str] | None = None) -> Persona:
    """Parse a persona with these fields after line 4, this body, and these files beside it."""

    def beside(path: str) -> str:
        if path not in (files or {}):
            raise NotBeside(f"`{path}` is missing.", "Write it.")
        return (files or {})[path]

    return parse(f"{HEAD}{extra}---\n{body}", source="dir/persona.md", name_hint="p", beside=beside)


def errors(extra: str = "", body: str = "Text.", files: dict[str, str] | None = None) -> tuple[Problem, ...]:
    """Return the problems for which the persona is refused."""
    with pytest.raises(PersonaRefused) as caught:
        read(extra, body, files)
    return caught.value.problems


def test_a_file_becomes_fields_sections_and_uses() -> None:
    """A persona knows its fields, its sections and which names its texts use."""
    persona = read("greeting: Hi {{ user.name }}\n", "Be {{ dials.pace }}.\n\n## Bounds\n\nStay.")
    assert persona.name == "p"
    assert persona.front.greeting == ("Hi {{ user.name }}",)
    assert [section.heading for section in persona.sections] == ["", "Bounds"]
    assert [(use.name, use.line) for use in persona.uses] == [("user.name", 5), ("dials.pace", 7)]
    assert persona.problems == ()


def test_line_ends_and_byte_order_marks_of_other_systems_are_read() -> None:
    """A file written elsewhere is the same persona."""
    text = f"{HEAD}---\nOne.\n\n## Two\n\nText."
    elsewhere = parse("\ufeff" + text.replace("\n", "\r\n"), source="p.md")
    assert elsewhere.sections == parse(text, source="p.md").sections


def test_the_name_repeats_the_place() -> None:
    """A file under another name than its own is refused, with the line of the name."""
    with pytest.raises(PersonaRefused) as caught:
        parse(f"{HEAD}---\nText.", source="q.md", name_hint="q")
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("name", 3)


@pytest.mark.parametrize(
    ("extra", "body", "code", "line"),
    [
        ("colour: red\n", "Text.", "unknown_field", 5),
        ("", "", "no_text", 6),
        ("", "a\n{% for x in y %}", "tag", 7),
        ("", 'a\n{{% include "x" %}', "tag", 7),
        ("", "## A\n\n{% if user.name %}\n\n## B\n\n{% endif %}", "open_block", 8),
        ("", "a\n## B\nx\n\n## b\ny", "heading", 10),
        ("", "##\nx", "heading", 6),
        ("", "## Hello {{ user.name }}\nx", "heading", 6),
        ("", "a\n\u202eb", "hidden_character", 7),
        ("greeting: Hi {{ name }}\n", "Text.", "unknown_name", 5),
        ('greeting: Hi {% include "x" %}\n', "Text.", "tag", 5),
        ("reminder: |\n  Be {{ nice }}\n", "Text.", "unknown_name", 5),
        ("avatar: ../../etc/passwd\n", "Text.", "avatar", 5),
        ("avatar: https://example.org/a.png\n", "Text.", "avatar", 5),
        ("", 'a\n{% include "gone" %}', "file", 7),
        ("knowledge: { entries: [{ when: [a], file: gone.md }] }\n", "Text.", "file", 5),
    ],
)
def test_each_problem_has_its_line(extra: str, body: str, code: str, line: int) -> None:
    """The refusal names the file, the line of the file, and a cure."""
    problem = errors(extra, body)[0]
    assert (problem.path, problem.code, problem.line) == ("dir/persona.md", code, line)
    assert problem.cure


@pytest.mark.parametrize("avatar", ["avatar.webp", "images/me.png", "🦜"])
def test_avatars_are_files_inside_or_signs(avatar: str) -> None:
    """A relative path or an emoji is an avatar."""
    assert read(f"avatar: {avatar}\n").front.avatar == avatar


def test_fields_and_text_are_both_checked_at_once() -> None:
    """An error in the front matter does not hide one in the body."""
    assert {problem.code for problem in errors("colour: red\n", "{% set a %}")} == {"unknown_field", "tag"}


def test_braces_in_plain_fields_are_a_warning() -> None:
    """A starter that looks like a template is shown as it stands, and the author is told."""
    (warning,) = read('starters: ["Hi {{ user.name }}"]\n').problems
    assert (warning.severity, warning.code, warning.line) == ("warning", "plain_text", 5)


def test_partials_stand_in_the_text() -> None:
    """An include is replaced by the file beside; names it uses are known with their own file and line."""
    persona = read(body='A {% include "tone" %} C', files={"partials/tone.md": "\r\nB {{ dials.x }}\n"})
    assert persona.sections[0].text == "A B {{ dials.x }} C"
    assert [(use.path, use.line) for use in persona.uses] == [("dir/partials/tone.md", 2)]


@pytest.mark.parametrize(
    ("partial", "code", "line"),
    [
        ("{% for %}", "tag", 1),
        ('a\n{% include "tone" %}', "tag", 2),
        ("a\n## B", "heading", 2),
        ("\x00", "hidden_character", 1),
        ("a\n{\n", "tag", 2),
    ],
)
def test_problems_of_a_partial_are_told_in_the_partial(partial: str, code: str, line: int) -> None:
    """A partial has no headings and includes nothing; its problems name its own file."""
    problem = errors(body='{% include "tone" %}', files={"partials/tone.md": partial})[0]
    assert (problem.path, problem.code, problem.line) == ("dir/partials/tone.md", code, line)


@pytest.mark.parametrize("heading", ["", "## H{}\n"])
def test_partials_cannot_make_a_text_huge(heading: str) -> None:
    """A text that includes a long partial many times is refused before it grows, in one section or in many."""
    body = "".join(heading.format(n) + '{% include "a" %}\n' for n in range(9000))
    assert errors(body=body, files={"partials/a.md": "x" * 200_000})[0].code == "too_large"


def test_knowledge_files_are_read_into_the_fields() -> None:
    """The persona carries the texts, so that nothing is read later."""
    extra = "knowledge: { entries: [{ when: [a], file: k/a.md }, { when: [b], text: B }] }\n"
    knowledge = read(extra, files={"k/a.md": "A"}).fields["knowledge"]
    assert knowledge == {"entries": [{"when": ["a"], "text": "A"}, {"when": ["b"], "text": "B"}]}


def test_without_a_folder_nothing_is_beside() -> None:
    """A persona that came alone cannot ask for files."""
    with pytest.raises(PersonaRefused) as caught:
        parse(f'{HEAD}---\n{{% include "x" %}}', source="p.md")
    assert "has no folder" in caught.value.problems[0].message


def test_files_above_the_limit_are_refused_unread() -> None:
    """The limit counts bytes, not characters."""
    with pytest.raises(PersonaRefused) as caught:
        parse("é" * (MAX_BYTES // 2 + 1), source="p.md")
    assert caught.value.problems[0].code == "too_large"


def test_floods_of_problems_are_cut() -> None:
    """No file yields more problems than anyone would read."""
    assert len(errors(body="{{ x }}\n" * 1000)) == 50


def test_a_child_may_have_no_text() -> None:
    """A file that extends another can do with fields alone."""
    assert read("extends: q\n", "").sections == ()
