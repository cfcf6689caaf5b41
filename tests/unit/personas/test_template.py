"""Templates: what the lint lets through, what it refuses and where, and what rendering does."""

import pytest
from minijinja import TemplateError

from personas.template import MAX_BLOCKS, MAX_TAG, NAMES, Reference, check, inline, lint, render

VALUES = {name: f"<{name}>" for name in NAMES} | {"dials.pace": "slow", "dials.if": "1", "dials.items": "2"}


@pytest.mark.parametrize(
    "source",
    [
        "Plain text, {single} braces, } and }} and 100 %}.",
        "{{ user.name }}{{user.locale}}{{- now.date -}}",
        "{{ user.name|upper }} {{ dials.pace | title }}",
        "{% if user.name %}a{% endif %}",
        "{% if not user.name %}a{% elif dials.pace %}b{% else %}c{% endif %}",
        '{% if dials.pace == "slow" and user.tier != "free" or not now.weekday %}{% endif %}',
        "{% if user.name %}{% if user.tier %}a{% else %}b{% endif %}{% else %}c{% endif %}",
        "{{ dials.if }} {% if dials.not_there %}x{% endif %}",
    ],
)
def test_what_is_allowed_passes_the_lint_and_the_engine(source: str) -> None:
    """Names, short filters and conditions are all an author may write, and the engine reads all of it."""
    assert lint(source).flaws == []
    assert check(source) is None


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{% for x in user %}{% endfor %}", "tag"),
        ("{% set a = 1 %}", "tag"),
        ("{% macro m() %}{% endmacro %}", "tag"),
        ('{% import "x" as y %}', "tag"),
        ('{% extends "x" %}', "tag"),
        ("{% raw %}{% endraw %}", "tag"),
        ("{% include user.name %}", "tag"),
        ('{% include "../secrets" %}', "tag"),
        ("{# note #}", "tag"),
        ("{{ 1 + 1 }}", "tag"),
        ("{{ 'a' * 50000000 }}", "tag"),
        ("{{ range(10) }}", "tag"),
        ("{{ user.name.upper() }}", "tag"),
        ("{{ user['name'] }}", "tag"),
        ("{{ user.__class__ }}", "tag"),
        ("{{ }}", "tag"),
        ("{{ user.name", "tag"),
        ("{%", "tag"),
        ("{{ user.name|default('x') }}", "tag"),
        ("{{ user.name|tojson }}", "filter"),
        ('{% if user.tier == "a" > "b" %}{% endif %}', "tag"),
        ('{% if "%}" == user.tier %}{% endif %}', "tag"),
        ("{{ usr.name }}", "unknown_name"),
        ("{{ user }}", "unknown_name"),
        ("{{ user.items }}", "unknown_name"),
        ("{{ now.time }}", "unknown_name"),
        ("{{ dials }}", "unknown_name"),
        ("{{ dials.a.b }}", "unknown_name"),
        ("{% if true %}{% endif %}", "unknown_name"),
        ('{% if user.name == "root" %}{% endif %}', "compared_text"),
        ("{% if user.name %}", "open_block"),
        ("{% endif %}", "stray_block"),
        ("{% else %}", "stray_block"),
        ("{% elif user.name %}", "stray_block"),
        ("{% if user.tier" + " and user.tier" * 9000 + " %}{% endif %}", "too_long"),
        ("{{ user.tier" + "|upper" * 9000 + " }}", "too_long"),
        ("{% if user.tier %}" + "{% elif user.tier %}" * 9000 + "{% endif %}", "too_deep"),
        ("{% if user.tier %}" * 9000 + "{% endif %}" * 9000, "too_deep"),
        ("{% if user.name %}{% else %}{% else %}{% endif %}", "stray_block"),
        ("{% if user.name %}{% else %}{% elif user.tier %}{% endif %}", "stray_block"),
    ],
)
def test_everything_else_is_refused_with_its_line(source: str, code: str) -> None:
    """Each construct outside the language is a flaw in the line where it stands."""
    flaw = lint(f"one\ntwo\n{source}\n").flaws[0]
    assert (flaw.code, flaw.line) == (code, 2)
    assert flaw.message
    assert flaw.cure


def test_lint_collects_names_and_partials_with_their_lines() -> None:
    """References say what is used, where, and whether it is compared."""
    found = lint('{{ dials.a }}\n{% if dials.b == "x" %}\n{% include "tone" %}\n{% endif %}')
    assert found.references == [Reference("dials.a", 0), Reference("dials.b", 1, compared=True)]
    assert found.includes == [Reference("tone", 2)]


def test_inline_puts_partials_in_place_once() -> None:
    """A partial's own text is not searched for more partials."""
    assert inline('a {% include "b" %} c', {"b": '\n{% include "b" %}\n'}) == 'a {% include "b" %} c'


def test_engine_has_the_last_word() -> None:
    """What the lint might miss is still a flaw with its line."""
    flaw = check("fine\n{% if %}")
    assert flaw is not None
    assert (flaw.code, flaw.line) == ("template", 1)


@pytest.mark.parametrize("value", ["{{ dials.pace }}", "{% if x %}", "{#", "}}", "<b>&amp;", "\\1 \\g<0>"])
def test_values_are_never_read_as_templates(value: str) -> None:
    """A value stands in the text as it came."""
    assert render("Hello {{ user.name }}.", VALUES | {"user.name": value}) == f"Hello {value}."


def test_tags_with_a_line_of_their_own_leave_no_line() -> None:
    """A condition on its own lines joins the text around it; inside a line it keeps the line's end."""
    source = 'a\n{% if dials.pace == "slow" %}\nb\n{% endif %}\nc{% if user.name %} d{% endif %}\ne'
    assert render(source, VALUES) == "a\nb\nc d\ne"
    assert render(source, VALUES | {"dials.pace": "fast", "user.name": ""}) == "a\nc\ne"


def test_empty_paragraphs_close_up() -> None:
    """What a false condition leaves is one blank line at most, and none at the ends."""
    source = "{% if user.name %}x{% endif %}\n\na\n\n{% if user.name %}x{% endif %}\n\nb\n"
    assert render(source, VALUES | {"user.name": ""}) == "a\n\nb"


def test_dials_may_have_any_name() -> None:
    """Names that mean something to the engine are ordinary dials."""
    assert render("{{ dials.if }}{{ dials.items }}", VALUES) == "12"


def test_missing_values_are_errors() -> None:
    """Rendering is strict: a name without a value is never empty text."""
    with pytest.raises(TemplateError):
        render("{{ dials.none }}", VALUES)
    with pytest.raises(TemplateError):
        render("{% if dials.none %}{% endif %}", VALUES)


def test_the_engine_bears_what_the_lint_allows() -> None:
    """Conditions as deep and as long as allowed are read and rendered."""
    nested = "{% if user.name %}" * MAX_BLOCKS + "x" + "{% endif %}" * MAX_BLOCKS
    chained = '{% if now.date == "" %}' + "{% elif user.tier %}y" * (MAX_BLOCKS - 1) + "{% endif %}"
    long = "{% if user.tier" + " and user.tier" * ((MAX_TAG - 20) // 14) + " %}z{% endif %}"
    for source, expected in ((nested, "x"), (chained, "y"), (long, "z")):
        assert lint(source).flaws == []
        assert check(source) is None
        assert render(source, VALUES) == expected


def test_long_honest_templates_have_fuel_enough() -> None:
    """A text of the largest size renders, however many names it has."""
    assert len(render("{{now.date}}" * 20_000, VALUES | {"now.date": "x"})) == 20_000
