"""Foreign text becomes text of ours in which only known variables are tags."""

import pytest

from personas.interop.card import DIALECT
from personas.interop.prose import divided, plain, slug, translated
from personas.template import lint, render

NAMES = {"persona.title": "Wren", "user.name": "Ada", "now.date": "today", "now.weekday": "Monday"}


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("{{char}} and {{USER}}", "Wren and Ada"),
        ("<BOT> and <user>", "Wren and Ada"),
        ("{{{char}}}", "{ Wren}"),
        ("{{random:{{char}},x}}", "{ {random:Wren,x}}"),
        ("{% include 'x' %}{# y #}{{ 7*7 }}", "{ % include 'x' %}{ # y #}{ { 7*7 }}"),
        ("{{original}}Speak.{{// aside}}", "Speak."),
        ("{{user.name}}", "{ {user.name}}"),
        ("{{persona.title}}{", "{ {persona.title}}{"),
        ("a\r\n\r\n \r\n\u202eb", "a\n\nb"),
    ],
)
def test_only_known_variables_are_tags(foreign: str, shown: str) -> None:
    """Everything else is shown as it stands, its braces apart."""
    template = translated(foreign, DIALECT, {})
    assert lint(template).flaws == []
    assert render(template, NAMES) == shown


def test_a_text_that_is_no_template_gets_words() -> None:
    """Names that names are put together from come to rest."""
    assert plain("{{char}} met {{user}}, not {{us{{char}}er}}", {"persona.title": "a"}, DIALECT) == (
        "a met {{user}}, not {{usaer}}"
    )
    assert plain("{{ch{{char}}r}}", {"persona.title": "a"}, DIALECT) == "a"


def test_sections_are_those_that_a_persona_may_have() -> None:
    """Repeated, taken, braced and wordless headings are smaller ones; fences hide headings and are closed."""
    body = "Hi\n\n## A\n\na\n\n## a\n\nb\n\n## Taken\n\nc\n\n##\n\nd\n\n## {x}\n\ne\n\n```\n## B"
    assert list(divided(body, ["taken"])) == [
        ("", "Hi"),
        ("A", "a\n\n### a\n\nb\n\n### Taken\n\nc\n\nd\n\n### {x}\n\ne\n\n```\n## B\n```"),
    ]


def test_there_are_only_so_many_sections() -> None:
    """Joining personas compares headings with one another; a file of nothing else is not to make that long."""
    assert len(list(divided("## x{}\n\ny\n\n" * 3, []))) == 1
    many = "".join(f"## {number}\n\ntext\n\n" for number in range(1000))
    assert len(list(divided(many, []))) == 201


def test_a_name_is_short_and_never_empty() -> None:
    """At most 64 characters, single hyphens, no hyphen at an end."""
    assert slug("--A  &  B--") == "a-b"
    assert len(slug("word " * 40)) <= 64
    assert not slug("word " * 40).endswith("-")
    assert slug("!!!").startswith("persona-")
