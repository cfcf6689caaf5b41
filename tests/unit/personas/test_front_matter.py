"""Front matter is read strictly, with lines, and hostile files stay cheap."""

import pytest

from personas.front_matter import MAX_DEPTH, MAX_NODES, Unreadable, cut, read


def refused(source: str) -> Unreadable:
    """Return the refusal of `source`, read as if it began in line 2."""
    with pytest.raises(Unreadable) as caught:
        read(source, first_line=2)
    return caught.value


def test_cut_finds_both_halves_and_their_lines() -> None:
    """Cut returns front matter and body with the lines where they begin."""
    halves = cut("---\na: 1\n---\n\nBody\n---\nmore")
    assert (halves.front, halves.front_line) == ("a: 1", 2)
    assert (halves.body, halves.body_line) == ("\nBody\n---\nmore", 4)


@pytest.mark.parametrize(
    ("text", "code"), [("", "no_front_matter"), ("# Hi", "no_front_matter"), ("---\na: 1", "open_front_matter")]
)
def test_cut_refuses_what_has_no_front_matter(text: str, code: str) -> None:
    """A file without both lines `---` is refused."""
    with pytest.raises(Unreadable) as caught:
        cut(text)
    assert caught.value.code == code


def test_read_gives_plain_values_and_the_line_of_each() -> None:
    """Values are those of JSON; every path has its line in the file."""
    fields = read("a: text\nb:\n  - 1\n  - {c: 2.5, d: true, e: null, f: 'no'}\ng: |\n  x\n  y\n", first_line=2)
    assert fields.data == {"a": "text", "b": [1, {"c": 2.5, "d": True, "e": None, "f": "no"}], "g": "x\ny\n"}
    assert fields.lines["a",] == 2
    assert fields.lines["b", 1, "c"] == 5
    assert fields.lines["g",] == 6


@pytest.mark.parametrize(
    "text", ["yes", "on", "2026-11-23", "12:30:45", "0x1F", "007", ".inf", "1e999", "9" * 5000, "="]
)
def test_words_that_other_readers_turn_into_something_stay_text(text: str) -> None:
    """Only true, false, null and plain numbers are more than text."""
    assert read(f"a: {text}", first_line=1).data == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"), [("-3", -3), ("+0", 0), ("1.", 1.0), (".5", 0.5), ("2e3", 2000.0), ("~", None)]
)
def test_numbers_and_nothing_are_read(text: str, value: object) -> None:
    """Integers, decimals and the two words for nothing are values."""
    assert read(f"a: {text}", first_line=1).data == {"a": value}


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("", "not_a_mapping", 2),
        ("- a", "not_a_mapping", 2),
        ("a: 1\nb: 2\na: 3", "duplicate_field", 4),
        ("a: 1\nb: &x 2", "yaml_alias", 3),
        ("a: &x 1\nb: *x", "yaml_alias", 2),
        ("a: 1\nb: !!python/object/apply:os.system [ls]", "yaml_tag", 3),
        ("!!str a: 1", "yaml_tag", 2),
        ("a: ! b", "yaml_tag", 2),
        ("? [a]\n: 1", "yaml", 2),
        ("a: 1\nb: [", "yaml", 3),
        ("a: 1\nb: c: d", "yaml", 3),
        ("a: 1\n\tb: 2", "yaml", 3),
        ("a: 1\nb: \x01", "yaml", 3),
        ("a: 1\n...\n---\nb: 2", "yaml", 4),
        ("a: é\nb: é\nc: \x01\n\n\n", "yaml", 4),
        ("a: \ud800", "yaml", 2),
        ('a: "\\UFFFFFFFF"', "yaml", 2),
        ('a: 1\nb: "\\ud800"', "yaml", 3),
        ('a: 1\n"\\0": 1', "hidden_character", 3),
    ],
)
def test_read_refuses_with_the_line(source: str, code: str, line: int) -> None:
    """What is not plain YAML is refused, in the line where it stands."""
    refusal = refused(source)
    assert (refusal.code, refusal.line) == (code, line)
    assert refusal.cure


def test_deep_nesting_is_refused() -> None:
    """Nesting beyond the limit stops the reader before Python's own."""
    assert refused("a: " + "[" * 100_000).code == "too_deep"
    assert read("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), first_line=1).data


def test_too_many_values_are_refused() -> None:
    """A list of more values than the limit is refused."""
    assert refused("a: [" + "x, " * MAX_NODES + "]").code == "too_large"


def test_alias_bombs_are_refused_at_the_first_anchor() -> None:
    """The classic bomb of nested aliases never unfolds."""
    bomb = "a: &a [x, x]\n" + "\n".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]" for n in range(9)
    )
    assert refused(bomb).line == 2
