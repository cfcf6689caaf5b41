"""For any patterns, text and cuts: the automaton does what a slow and obvious search of the whole text does."""

import codecs
from base64 import b64encode
from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.core.automaton import GAP, Matcher, Pattern, Patterns, Rule
from server.core.folding import as_is, bare, folded
from server.core.screening import blocklist_patterns, make_marker, marker_patterns, secret_patterns

MARKER = make_marker(b"a server's secret", "sha256:0123")
WATCHED = Patterns([*marker_patterns(MARKER), *secret_patterns(), *blocklist_patterns(["project owl", "owl pellet"])])

some_steps = st.one_of(
    st.text("abc", min_size=1, max_size=6),
    st.lists(st.sampled_from(["a", "b", "c", "ab", "bc", "abc"]), min_size=1, max_size=6).map(tuple),
)
some_patterns = st.lists(
    st.builds(
        Pattern,
        rule=st.builds(Rule, st.just("test"), st.sampled_from("xyz")),
        steps=some_steps,
        view=st.sampled_from([as_is, bare, folded]),
    ),
    min_size=1,
    max_size=6,
)
some_texts = st.text("abcA-\u200b\ufb00\u00df\u24d0d", max_size=40).map(lambda text: text.replace("----", "-"))
some_cuts = st.lists(st.integers(0, 40), max_size=8)


def cut(text: str, places: list[int]) -> list[str]:
    """Return `text` in pieces, some of which may be empty."""
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def begun(pattern: Pattern, text: str) -> tuple[int, int]:
    """Return how many characters of `text` an unfinished and a finished match at its end cover; 0 for none."""
    seen = [(char, place) for place, original in enumerate(text) for char in pattern.view(original)]
    last = {place: at for at, (_, place) in enumerate(seen)}
    unfinished = finished = 0
    # A finished match may end inside what one character stands for; an unfinished one goes on after all of it.
    ends = [len(seen)]
    if text and len(text) - 1 in last:
        ends = [at + 1 for at, (_, place) in enumerate(seen) if place == len(text) - 1]
    for end in ends:
        for length in range(1, len(pattern.steps) + 1):
            start = end - length
            if start < 0:
                break
            places = [place for _, place in seen[start:end]] + [len(text)]
            close = all(after - before <= GAP + 1 for before, after in pairwise(places))
            fits = all(char in step for (char, _), step in zip(seen[start:end], pattern.steps, strict=False))
            if not (close and fits):
                continue
            covered = len(text) - seen[start][1]
            if length == len(pattern.steps) and seen[end - 1][1] == len(text) - 1:
                finished = max(finished, covered)
            elif end == len(seen) and length < len(pattern.steps):
                unfinished = max(unfinished, covered)
    return unfinished, finished


def search(patterns: list[Pattern], text: str) -> tuple[str, bool, int]:
    """Return what may be shown of `text`, whether it stops, and what is held at its end."""
    held = 0
    for end in range(len(text) + 1):
        depths = [begun(pattern, text[:end]) for pattern in patterns]
        held = max(max(both) for both in depths)
        if any(finished for _, finished in depths):
            return text[: end - held], True, held
    return text, False, held


@given(some_patterns, some_texts, some_cuts)
def test_the_automaton_does_what_a_search_of_the_whole_text_does(
    patterns: list[Pattern], text: str, places: list[int]
) -> None:
    """What is released, held and found is the same for every cut, and exactly what it must be."""
    matcher = Matcher(Patterns(patterns))
    released = "".join(matcher.feed(piece)[0] for piece in cut(text, places))
    shown, stops, held = search(patterns, text)
    assert released == (shown if stops else text[: len(text) - held])
    last, rule = matcher.close()
    assert (rule is not None) == stops
    assert released + last == shown


@given(some_patterns, some_texts)
def test_the_rule_and_the_text_do_not_depend_on_the_cut(patterns: list[Pattern], text: str) -> None:
    """Character by character or at once: the same rule after the same text."""
    ready = Patterns(patterns)
    whole, single = Matcher(ready), Matcher(ready)
    at_once = whole.feed(text)
    one_by_one = [single.feed(char) for char in text]
    assert at_once[0] == "".join(released for released, _ in one_by_one)
    assert whole.close() == single.close()


@given(some_patterns, some_texts, some_cuts)
def test_what_is_held_is_never_longer_than_a_pattern_may_be(
    patterns: list[Pattern], text: str, places: list[int]
) -> None:
    """At most the longest pattern is held, with the separators that may stand in it."""
    longest = max(len(pattern.steps) for pattern in patterns)
    matcher = Matcher(Patterns(patterns))
    fed = released = 0
    for piece in cut(text, places):
        shown, rule = matcher.feed(piece)
        if rule:
            break
        fed, released = fed + len(piece), released + len(shown)
        assert fed - released <= longest * (GAP + 1)


@given(st.text(max_size=300), some_cuts)
def test_any_text_without_a_match_passes_byte_for_byte(text: str, places: list[int]) -> None:
    """Whatever characters a text has, all of it is released by its end."""
    matcher = Matcher(WATCHED)
    released = "".join(matcher.feed(piece)[0] for piece in cut(text, places))
    assert released + matcher.close()[0] == text


@given(
    before=st.text("abc \u00e9", max_size=12),
    after=st.text(max_size=12),
    write=st.sampled_from(
        [
            str,
            str.upper,
            " ".join,
            "\u200b\n".join,
            lambda marker: marker[::-1],
            lambda marker: codecs.encode(marker, "rot13"),
            lambda marker: marker.encode().hex(":"),
            lambda marker: b64encode(marker.encode()).decode(),
        ]
    ),
    places=some_cuts,
)
def test_no_character_of_a_written_marker_is_released(
    before: str, after: str, write: Callable[[str], str], places: list[int]
) -> None:
    """Whatever stands around the marker, nothing of it or after it gets out."""
    matcher = Matcher(WATCHED)
    pieces = cut(before + ". " + write(MARKER) + after, places)
    released = "".join(matcher.feed(piece)[0] for piece in pieces) + matcher.close()[0]
    assert released == before + ". "


@given(st.text("owl pe\u043e\u200bOWL-", max_size=30), some_cuts)
def test_a_text_is_stopped_or_whole(text: str, places: list[int]) -> None:
    """A screened text is either whole or stopped with a rule, and never both."""
    matcher = Matcher(WATCHED)
    released = "".join(matcher.feed(piece)[0] for piece in cut(text, places))
    last, rule = matcher.close()
    assert (released + last == text) is (rule is None)
    assert text.startswith(released + last)
