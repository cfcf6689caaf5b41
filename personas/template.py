"""The language of a persona's text: names, conditions and partials, and nothing that could run.

The lint accepts tags it knows to the letter and refuses all others, so what reaches the engine is only what is
described in `docs/personas.md`. Values go in as plain strings and are never read as templates themselves.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from minijinja import Environment, TemplateError

NAMES = ("persona.name", "persona.title", "user.name", "user.locale", "user.tier", "now.date", "now.weekday")
MAX_BLOCKS = 16
MAX_TAG = 500
"""Characters of one tag. The engine follows conditions and filters by recursion, and long chains would end it."""

FILTERS = ("capitalize", "lower", "title", "upper")

_FREE_TEXT = "user.name"
_NAME = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*"
_TEST = rf'(?:not\s+)?{_NAME}(?:\s*[=!]=\s*"[^"\\{{}}%\n]*")?'
_OPENING = re.compile(r"\{[{%#]")
_OUTPUT = re.compile(rf"\{{\{{-?\s*(?P<name>{_NAME})(?P<filters>(?:\s*\|\s*[a-z]+)*)\s*-?\}}\}}")
_CONDITION = re.compile(
    rf"\{{%-?\s*(?P<word>if|elif)\s+(?P<test>{_TEST}(?:\s+(?:and|or)\s+{_TEST})*)\s*-?%\}}",
)
_BRANCH = re.compile(r"\{%-?\s*(?P<word>else|endif)\s*-?%\}")
_INCLUDE = re.compile(r'\{%-?\s*include\s+"(?P<name>[a-z0-9](?:-?[a-z0-9])*)"\s*-?%\}')
_TESTED = re.compile(rf'(?:not\s+)?(?P<name>{_NAME})(?P<compared>\s*[=!]=\s*"[^"]*")?(?:\s+(?:and|or)\s+)?')
_KEYWORD = re.compile(r"\{%-?\s*([a-z]+)")

_ENVIRONMENT = Environment(
    undefined_behavior="strict",
    fuel=1_000_000,
    pycompat=False,
    debug=False,
    keep_trailing_newline=True,
    auto_escape_callback=lambda _: False,
)
_ALONE = re.compile(r"^[ \t]*(\{%[^%\n]*%\})[ \t]*\n", re.MULTILINE)
"""A tag that has a line to itself: the line is the tag's, not the text's."""
_BLANKS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something in a template that is not allowed; `line` counts from the template's first line, which is 0."""

    line: int
    code: str
    message: str
    cure: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that a template uses; `compared` if a condition compares it with a text."""

    name: str
    line: int
    compared: bool = False


@dataclass(slots=True)
class Lint:
    """What a look at one template found."""

    flaws: list[Flaw] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    includes: list[Reference] = field(default_factory=list)


def is_plain(source: str) -> bool:
    """Return whether there is surely nothing in `source` but text."""
    return "{" not in source


def lint(source: str) -> Lint:
    """Return every flaw of `source`, and the names and partials that it asks for.

    Names of dials are only collected: which dials there are is known when the persona is composed.
    """
    found = Lint()
    blocks: list[tuple[str, int]] = []
    for tag, line in _tags(source):
        if len(tag) > MAX_TAG:
            found.flaws.append(Flaw(line, "too_long", f"This tag is longer than {MAX_TAG} characters.", "Shorten it."))
        elif output := _OUTPUT.fullmatch(tag):
            _output(output, line, found)
        elif condition := _CONDITION.fullmatch(tag):
            _condition(condition, line, found, blocks)
        elif branch := _BRANCH.fullmatch(tag):
            _branch(branch["word"], line, found, blocks)
        elif include := _INCLUDE.fullmatch(tag):
            found.includes.append(Reference(include["name"], line))
        else:
            found.flaws.append(_not_allowed(tag, line))
    for line in (line for word, line in blocks if word == "if"):
        message = "This `{% if %}` has no `{% endif %}`."
        found.flaws.append(Flaw(line, "open_block", message, "Close it before the next heading."))
    return found


def inline(source: str, partials: Mapping[str, str]) -> str:
    """Return `source` with every include replaced by its partial, once: partials include nothing."""
    return _INCLUDE.sub(lambda include: partials[include["name"]].strip("\n"), source)


def check(source: str) -> Flaw | None:
    """Return what the engine says against `source`, which has no flaws of its own and no includes."""
    try:
        _ENVIRONMENT.undeclared_variables_in_str(source)
    except TemplateError as error:
        line = max((error.line or 1) - 1, 0)
        return Flaw(line, "template", f"The template cannot be read: {error.message}.", "Simplify it.")
    return None


def render(source: str, values: Mapping[str, str]) -> str:
    """Return `source` with `values`, by dotted name, in their places.

    Lines that conditions leave empty are closed up. Raises `TemplateError` if a name is missing.
    """
    return _rendered(source, tuple(values.items()))


# The same sections come again with every message of a conversation.
@lru_cache(maxsize=2048)
def _rendered(source: str, values: tuple[tuple[str, str], ...]) -> str:
    tree: dict[str, dict[str, str]] = {}
    for name, value in values:
        scope, _, key = name.partition(".")
        tree.setdefault(scope, {})[key] = value
    text = _ENVIRONMENT.render_str(_ALONE.sub(r"\1", source), **tree)
    return _BLANKS.sub("\n\n", text).strip()


def _tags(source: str) -> Iterator[tuple[str, int]]:
    """Yield each tag with its line; what opens like a tag and is none is yielded up to the end of its line."""
    position = line = 0
    while opening := _OPENING.search(source, position):
        start = opening.start()
        line += source.count("\n", position, start)
        known = (pattern.match(source, start) for pattern in (_OUTPUT, _CONDITION, _BRANCH, _INCLUDE))
        tag = next((match[0] for match in known if match), None)
        if tag is None:
            tag = source[start : start + 80].partition("\n")[0]
            position = start + 2
        else:
            position = start + len(tag)
        yield tag, line
        line += source.count("\n", start, position)


def _output(output: re.Match[str], line: int, found: Lint) -> None:
    _name(output["name"], line, found, compared=False)
    for word in output["filters"].replace("|", " ").split():
        if word not in FILTERS:
            message = f"There is no filter `{word}`."
            found.flaws.append(Flaw(line, "filter", message, f"There are: {', '.join(FILTERS)}."))


def _condition(condition: re.Match[str], line: int, found: Lint, blocks: list[tuple[str, int]]) -> None:
    for test in _TESTED.finditer(condition["test"]):
        _name(test["name"], line, found, compared=test["compared"] is not None)
    word = condition["word"]
    if word == "elif" and (not blocks or blocks[-1][0] == "else"):
        found.flaws.append(_stray(word, line))
        return
    if len(blocks) >= MAX_BLOCKS:
        message = f"There are more than {MAX_BLOCKS} conditions in one another or in one chain."
        found.flaws.append(Flaw(line, "too_deep", message, "Split them up."))
    blocks.append((word, line))


def _branch(word: str, line: int, found: Lint, blocks: list[tuple[str, int]]) -> None:
    if not blocks or (word == "else" and blocks[-1][0] == "else"):
        found.flaws.append(_stray(word, line))
    elif word == "else":
        blocks.append((word, line))
    else:
        while blocks.pop()[0] != "if":
            pass


def _stray(word: str, line: int) -> Flaw:
    message = f"This `{{% {word} %}}` belongs to no `{{% if %}}`."
    return Flaw(line, "stray_block", message, "Begin and end a condition under one heading.")


def _name(name: str, line: int, found: Lint, *, compared: bool) -> None:
    is_dial = name.startswith("dials.") and name.count(".") == 1
    if name not in NAMES and not is_dial:
        cure = f"There are: {', '.join(NAMES)} and dials.<name>."
        found.flaws.append(Flaw(line, "unknown_name", f"There is no `{name}`.", cure))
    elif compared and name == _FREE_TEXT:
        message = f"`{name}` is free text and cannot be compared."
        found.flaws.append(Flaw(line, "compared_text", message, "Ask only whether it is there."))
    else:
        found.references.append(Reference(name, line, compared))


def _not_allowed(tag: str, line: int) -> Flaw:
    if tag.startswith("{#"):
        return Flaw(line, "tag", "Comments are not allowed in the text.", "Put them after a `#` in the front matter.")
    if tag.startswith("{{"):
        cure = "Write `{{ a.name }}`, with at most a filter; for two plain braces put a space between them."
        return Flaw(line, "tag", "This is more than a name.", cure)
    keyword = _KEYWORD.match(tag)
    word = keyword[1] if keyword else ""
    if word in {"if", "elif"}:
        cure = 'Ask for a name (`if dials.pace`) or compare it with a text (`if dials.pace == "slow"`).'
        return Flaw(line, "tag", "This condition is not allowed.", cure)
    if word == "include":
        return Flaw(line, "tag", "This include is not allowed.", 'Name a partial: `{% include "tone" %}`.')
    cure = "There are only `if`, `elif`, `else`, `endif` and `include`."
    return Flaw(line, "tag", f"The tag `{word or tag[:10]}` is not allowed.", cure)
