"""What a child may add, change and narrow, and what stays as its ancestors wrote it."""

from collections.abc import Sequence

import pytest

from personas.compiled import Compiled
from personas.composition import compose
from personas.persona import Persona, parse
from personas.problems import PersonaRefused, Problem


def persona(name: str, fields: str = "", body: str = "", extends: str | None = None) -> Persona:
    """Return a persona whose extra fields begin in line 5, after `extends` if there is one."""
    parent = f"extends: {extends}\n" if extends else ""
    text = f"---\nspec: persona/1\nname: {name}\nsummary: S.\n{parent}{fields}\n---\n{body or 'Text.'}"
    return parse(text, source=f"{name}.md")


def join(child: Persona, *others: Persona) -> Compiled:
    """Compose `child` among `others`."""
    return compose(child, {other.name: other for other in (*others, child)})


def errors(child: Persona, *others: Persona) -> tuple[Problem, ...]:
    """Return why `child` is refused."""
    with pytest.raises(PersonaRefused) as caught:
        join(child, *others)
    return caught.value.problems


def texts(compiled: Compiled) -> list[tuple[str, str]]:
    """Return the headings and texts of the body."""
    return [(passage.heading, passage.text) for passage in compiled.body]


HOUSE = persona("house", "bounds: { locked: [Rules], notes: {} }", "Be kind.\n\n## Rules\nNo lies.\n\n## Style\nPlain.")


def test_the_house_comes_first_without_being_named() -> None:
    """Every persona stands under the house; its text is kept apart."""
    child = join(persona("p"), HOUSE)
    assert [passage.text for passage in child.house] == ["Be kind.", "No lies.", "Plain."]
    assert texts(child) == [("", "Text.")]
    assert child.bounds.notes is not None


def test_naming_the_house_changes_nothing() -> None:
    """`extends: house` says what holds anyway."""
    assert join(persona("p", extends="house"), HOUSE).digest == join(persona("p"), HOUSE).digest


def test_without_a_house_the_persona_stands_alone() -> None:
    """A library without a house composes personas as they are."""
    assert join(persona("p")).house == ()


def test_the_house_is_a_persona_too() -> None:
    """The house composes to its own text and nothing more."""
    house = join(HOUSE)
    assert len(house.house) == 3
    assert house.body == ()


def test_fields_merge_and_the_child_wins() -> None:
    """Mappings join key by key, lists and single values are replaced, and nobody inherits a name."""
    parent = persona("q", "title: Q\ntags: [a, b]\nmodel: { temperature: 1, top_p: 0.5 }\ngreeting: Hi.")
    child = join(persona("p", "tags: [c]\nmodel: { temperature: 0 }", extends="q"), parent)
    assert child.tags == ("c",)
    assert (child.model.temperature, child.model.top_p) == (0, 0.5)
    assert child.greeting == ("Hi.",)
    assert (child.name, child.title, child.label) == ("p", None, "P")


def test_sections_replace_by_heading_and_append() -> None:
    """The same heading replaces in place, a new one comes last, an empty one removes."""
    parent = persona("q", body="Open.\n\n## A\na\n\n## B\nb\n\n## C\nc")
    child = join(persona("p", body="## b\nnew\n\n## D\nd\n\n## C\n", extends="q"), parent)
    assert texts(child) == [("", "Open."), ("A", "a"), ("b", "new"), ("D", "d")]


def test_an_opening_replaces_the_parents_and_never_the_houses() -> None:
    """The text before the first heading is a section too; the house's own stays."""
    child = join(persona("p", body="Mine.", extends="q"), persona("q", body="Theirs.\n\n## A\na"), HOUSE)
    assert texts(child) == [("", "Mine."), ("A", "a")]
    assert child.house[0].text == "Be kind."


def test_a_late_opening_still_opens() -> None:
    """An opening goes before the sections of a parent that has none."""
    child = join(persona("p", body="Mine.", extends="q"), persona("q", body="## A\na"))
    assert texts(child) == [("", "Mine."), ("A", "a")]


def test_open_sections_of_the_house_can_be_replaced() -> None:
    """What the operator did not lock, a persona may say its own way, in the same place."""
    child = join(persona("p", body="## Style\nFlowery."), HOUSE)
    assert [passage.text for passage in child.house] == ["Be kind.", "No lies.", "Flowery."]


@pytest.mark.parametrize("body", ["x\n\n## Rules\nLie.", "x\n\n## RULES ##\n", "x\n\n##  rules\nLie."])
def test_locked_sections_are_neither_replaced_nor_removed(body: str) -> None:
    """A lock holds against every spelling of the heading, in the line where it is tried."""
    (problem,) = errors(persona("p", body=body), HOUSE)
    assert (problem.path, problem.line, problem.code) == ("p.md", 9, "locked_section")
    assert "`house`" in problem.message


def test_locks_only_grow() -> None:
    """A child's list of locks is added to its parents'."""
    parent = persona("q", "bounds: { locked: [A] }", "## A\na")
    middle = persona("m", "bounds: { locked: [B] }", "## B\nb", extends="q")
    assert join(middle, parent, HOUSE).bounds.locked == ("Rules", "A", "B")
    problems = errors(persona("p", "bounds: { locked: [] }", "## A\nx\n\n## B\nx", extends="m"), middle, parent)
    assert [problem.code for problem in problems] == ["locked_section", "locked_section"]


def test_a_lock_needs_a_section() -> None:
    """Locking what nobody wrote is a mistake, told in its line."""
    (problem,) = errors(persona("p", "bounds:\n  locked:\n    - Bunds", "## Bounds\nx"))
    assert (problem.code, problem.line) == ("locked", 7)


@pytest.mark.parametrize(
    ("parent", "child", "line"),
    [
        ("access: { tiers: [plus] }", "access: { tiers: [plus, free] }", 6),
        ("access: { groups: [a] }", "access:\n  groups: [b]", 7),
        ("access: { owner_only: true }", "access: { owner_only: false }", 6),
        ("access: { tiers: [plus] }", "access: { tiers: null }", 6),
        ("tools: []", "tools: [calculator]", 6),
        ("model: { use: [mini] }", "model: { use: [mini, large] }", 6),
    ],
)
def test_access_tools_and_models_never_widen(parent: str, child: str, line: int) -> None:
    """What a parent allows is the most that a child can allow."""
    (problem,) = errors(persona("p", child, extends="q"), persona("q", parent))
    assert (problem.code, problem.path, problem.line) == ("widens", "p.md", line)


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("access: { tiers: [plus, pro] }", "access: { tiers: [pro] }"),
        ("access: { owner_only: false }", "access: { owner_only: true }"),
        ("tools: [a, b]", "tools: []"),
        ("model: { use: [mini, large] }", "model: { use: [large, mini] }"),
        ("tags: [x]", "tools: [calculator]"),
    ],
)
def test_narrowing_is_allowed(parent: str, child: str) -> None:
    """A child may allow less, in another order, and bound what its parent left open."""
    join(persona("p", child, extends="q"), persona("q", parent))


GROUPS = {"standard": ("mini", "local"), "all": ("mini", "local", "large"), "none": ()}


@pytest.mark.parametrize(
    ("parent", "child", "extra"),
    [
        ("standard", "mini", ""),
        ("standard", "standard, local", ""),
        ("mini, local, large", "standard", ""),
        ("all", "standard", ""),
        ("all", "none", ""),
        ("standard", "large", "large"),
        ("standard", "all", "all"),
        ("mini", "mini, standard", "standard"),
        ("standard", "other", "other"),
    ],
)
def test_models_and_groups_narrow_each_other(parent: str, child: str, extra: str) -> None:
    """A model is within its group, and a group within whatever has all of its models."""
    parents = {"q": persona("q", f"model: {{ use: [{parent}] }}")}
    problems: Sequence[Problem] = ()
    try:
        compose(persona("p", f"model: {{ use: [{child}] }}", extends="q"), parents, groups=GROUPS)
    except PersonaRefused as refused:
        problems = refused.problems
    told = [f"`model.use` is wider than what it extends allows: {extra}."] if extra else []
    assert [problem.message for problem in problems] == told


def test_an_inherited_bound_holds_for_grandchildren() -> None:
    """Silence in the middle does not lift a bound."""
    chain = (persona("m", extends="q"), persona("q", "tools: [a]"))
    assert join(persona("p", extends="m"), *chain).tools == ("a",)
    assert errors(persona("p", "tools: [b]", extends="m"), *chain)[0].code == "widens"


def test_four_parents_in_a_row_are_allowed_and_five_are_not() -> None:
    """The depth is bounded; the unnamed house does not count."""
    row = [persona("a0"), *(persona(f"a{n}", extends=f"a{n - 1}") for n in range(1, 6))]
    assert join(row[4], *row, HOUSE).name == "a4"
    assert errors(row[5], *row)[0].code == "extends"


def test_circles_are_refused() -> None:
    """A persona that is its own ancestor is refused, at the line that closes the circle."""
    for circle in ([persona("p", extends="p")], [persona("p", extends="q"), persona("q", extends="p")]):
        assert "extend itself" in errors(circle[0], *circle)[0].message


def test_the_house_extends_nothing() -> None:
    """Nothing stands above the house."""
    assert errors(persona("house", extends="q"), persona("q"))[0].code == "extends"


def test_an_unknown_parent_suggests_another() -> None:
    """A misspelt parent is told with its line and a name like it."""
    (problem,) = errors(persona("p", extends="assistent"), persona("assistant"))
    assert (problem.line, problem.cure) == (5, "Did you mean assistant?")


DIAL = "bounds: { dials: { pace: { choices: [slow, fast], default: slow }, who: { text: {}, default: '' } } }"


def test_dials_of_a_parent_are_known_in_a_child() -> None:
    """Dials are inherited with the rest."""
    assert "pace" in join(persona("p", body="{{ dials.pace }}", extends="q"), persona("q", DIAL)).bounds.dials


def test_unknown_dials_are_told_where_they_are_used() -> None:
    """A name that no ancestor declares is refused with its line."""
    (problem,) = errors(persona("p", body="x\n{{ dials.pase }}", extends="q"), persona("q", DIAL))
    assert (problem.code, problem.line, problem.cure) == ("unknown_name", 9, "Did you mean pace?")


def test_free_text_is_not_compared() -> None:
    """A dial of free words cannot steer a condition."""
    body = '{% if dials.who == "root" %}x{% endif %}'
    assert errors(persona("p", DIAL, body))[0].code == "compared_text"


def test_what_only_the_join_breaks_is_told_in_the_right_file() -> None:
    """Two halves that are valid apart and not together are refused at the child's field."""
    child = persona("p", "bounds:\n  dials:\n    pace: { text: {}, default: slow }", extends="q")
    (problem,) = errors(child, persona("q", DIAL))
    assert (problem.path, problem.line, problem.code) == ("p.md", 8, "value")
