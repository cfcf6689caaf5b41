"""What the automaton finds, what it releases and when."""

from dataclasses import replace

import pytest

from server.core.automaton import GAP, Matcher, Pattern, Patterns, Rule
from server.core.folding import as_is, bare, folded

RULE = Rule("test", "rule")


def letters(steps: str) -> Pattern:
    """Return a pattern of bare letters."""
    return Pattern(rule=RULE, steps=steps, view=bare)


def word(steps: str) -> Pattern:
    """Return a pattern of whole folded words."""
    return Pattern(rule=RULE, steps=steps, view=folded, opens_word=True, closes_word=True)


def screen(text: str, *patterns: Pattern) -> tuple[str, Rule | None]:
    """Return what is released of `text` by the time it has ended."""
    matcher = Matcher(Patterns(patterns))
    first, found = matcher.feed(text)
    last, found_at_end = matcher.close()
    return first + last, found or found_at_end


def test_the_text_before_a_match_is_released_and_nothing_else() -> None:
    """A match releases what stands before it."""
    assert screen("say secret now", Pattern(rule=RULE, steps="secret", view=as_is)) == ("say ", RULE)


def test_an_unfinished_match_is_held_and_released_when_it_fails() -> None:
    """Only the characters of an unfinished match are held back."""
    matcher = Matcher(Patterns([Pattern(rule=RULE, steps="secret", view=as_is)]))
    assert matcher.feed("my sec") == ("my ", None)
    assert matcher.feed("s") == ("sec", None)
    assert matcher.feed("ond") == ("sond", None)
    assert matcher.close() == ("", None)


def test_the_end_of_the_text_releases_what_was_held() -> None:
    """A text that ends inside an unfinished match is whole."""
    assert screen("my sec", Pattern(rule=RULE, steps="secret", view=as_is)) == ("my sec", None)


def test_nothing_is_released_after_a_match() -> None:
    """Neither more text nor the end releases anything after a match."""
    matcher = Matcher(Patterns([Pattern(rule=RULE, steps="ab", view=as_is)]))
    assert matcher.feed("ab and more") == ("", RULE)
    assert matcher.feed("more") == ("", RULE)
    assert matcher.close() == ("", RULE)


def test_a_match_that_begins_inside_a_failed_one_is_found() -> None:
    """The end of one unfinished match may be the beginning of another."""
    rule = Rule("test", "inner")
    patterns = [Pattern(rule=RULE, steps="aabx", view=as_is), Pattern(rule=rule, steps="aba", view=as_is)]
    assert screen("aaba", *patterns) == ("a", rule)


def test_of_two_matches_that_end_together_the_longer_one_counts() -> None:
    """The match that begins first names the rule."""
    short = Pattern(rule=Rule("test", "short"), steps="bc", view=as_is)
    assert screen("abc", short, Pattern(rule=RULE, steps="abc", view=bare)) == ("", RULE)


def test_of_equal_patterns_the_first_one_counts() -> None:
    """A rule keeps its pattern when a later rule has the same one."""
    later = Rule("test", "later")
    for view, whole in ((as_is, False), (folded, True)):
        first = Pattern(rule=RULE, steps="abc", view=view, closes_word=whole)
        assert screen("abc", first, replace(first, rule=later)) == ("", RULE)


def test_a_step_may_be_met_by_several_characters() -> None:
    """Each step names the characters that fit."""
    pattern = Pattern(rule=RULE, steps=("k", "12", "34"), view=as_is)
    assert screen("k33 k24", pattern) == ("k33 ", RULE)
    assert screen("k33 k25", pattern) == ("k33 k25", None)


def test_a_pattern_may_need_a_character_anywhere_in_it() -> None:
    """A pattern that needs a digit is not met by letters alone."""
    pattern = Pattern(rule=RULE, steps=("k", *["x1"] * 3), view=as_is, needs="1")
    assert screen("kxxx", pattern) == ("kxxx", None)
    for text in ("k1xx", "kx1x", "kxx1", "k111"):
        assert screen(text, pattern) == ("", RULE)


def test_a_fixed_character_does_not_meet_a_need() -> None:
    """What a pattern needs must be in a step that several characters fit."""
    pattern = Pattern(rule=RULE, steps=("k1", "1", "k1"), view=as_is, needs="1")
    assert screen("k1k", pattern) == ("k1k", None)
    assert screen("k11", pattern) == ("", RULE)
    assert screen("11k", pattern) == ("", RULE)


def test_a_pattern_that_needs_does_not_take_the_nodes_of_one_that_does_not() -> None:
    """Patterns that begin alike are found whether or not they need something."""
    plain = Pattern(rule=RULE, steps=("k", "1", "a"), view=as_is)
    needing = Pattern(rule=Rule("test", "needing"), steps=("k", "1x", "1x", "1x"), view=as_is, needs="1")
    assert screen("k1a", plain, needing) == ("", RULE)
    assert screen("k1xx", plain, needing) == ("", needing.rule)
    assert screen("kxx1", needing, plain) == ("", needing.rule)


def test_a_pattern_that_cannot_be_met_is_refused() -> None:
    """A pattern with no step, or without a step for what it needs, is an error."""
    with pytest.raises(ValueError, match="at least one step"):
        letters("")
    with pytest.raises(ValueError, match="can meet what it needs"):
        Patterns([Pattern(rule=RULE, steps="abc", view=as_is, needs="1")])


def test_dropped_characters_inside_a_match_are_held_with_it() -> None:
    """Separators that a view drops are part of the match that they stand in."""
    matcher = Matcher(Patterns([letters("abc")]))
    assert matcher.feed("x a- ") == ("x ", None)
    assert matcher.feed("\u200bb") == ("", None)
    assert matcher.feed("!") == ("", None)
    assert matcher.feed("d") == ("a- \u200bb!d", None)


def test_what_is_held_is_bounded_when_separators_never_end() -> None:
    """A match is given up when more than `GAP` characters in a row are dropped."""
    assert screen("a" + "-" * GAP + "b", letters("ab")) == ("", RULE)
    matcher = Matcher(Patterns([letters("ab")]))
    assert matcher.feed("a" + "-" * GAP) == ("", None)
    assert matcher.feed("-") == ("a" + "-" * (GAP + 1), None)
    assert matcher.feed("b") == ("b", None)


def test_a_character_that_folds_to_several_keeps_its_place() -> None:
    """What is released counts original characters, whatever they fold to."""
    assert screen("Stra\u00dfe!", letters("strasse")) == ("", RULE)
    assert screen("x\ufb01y", letters("iy")) == ("x", RULE)
    assert screen("\u00df\u00df\u00df", letters("ssx")) == ("\u00df\u00df\u00df", None)


@pytest.mark.parametrize("text", ["class", "asset", "ass_", "_ass", "ass1", "ass\u0301"])
def test_a_part_of_a_word_is_no_match_of_a_whole_word(text: str) -> None:
    """Letters, digits, marks and underscores around a phrase make it part of a longer word."""
    assert screen(text, word("ass")) == (text, None)


@pytest.mark.parametrize(
    ("before", "phrase"),
    [("", "ass"), ("", "ass."), ("(", "ass)"), ("an ", "ass\n"), ("", "ASS!"), ("", "a\u200bss"), ("-", "ass-")],
)
def test_a_whole_word_is_found_wherever_it_stands(before: str, phrase: str) -> None:
    """The beginning and the end of the text are word boundaries, as is every character that is not of a word."""
    assert screen(before + phrase, word("ass")) == (before, RULE)


def test_a_whole_word_is_held_until_the_next_character_decides() -> None:
    """A phrase that may be the beginning of a longer word is held back."""
    matcher = Matcher(Patterns([word("ass")]))
    assert matcher.feed("an ass") == ("an ", None)
    assert matcher.feed("e") == ("asse", None)


def test_invisible_characters_do_not_hide_the_end_of_a_word() -> None:
    """A phrase with a flood of invisible characters after it is found."""
    assert screen("ass" + "\u200b" * (GAP + 1) + "et", word("ass")) == ("", RULE)


def test_any_run_of_blanks_matches_one_blank() -> None:
    """Line ends and repeated blanks between words do not hide a phrase."""
    assert screen("so bad \n\t idea.", word("bad idea")) == ("so ", RULE)


def test_what_was_shown_cannot_be_held_but_still_counts() -> None:
    """A match that began in what was shown is found, and only the rest of it is held back."""
    matcher = Matcher(Patterns([Pattern(rule=RULE, steps="secret", view=as_is)]), shown="my sec")
    assert matcher.feed("re") == ("", None)
    assert matcher.feed("t!") == ("", RULE)


def test_a_failed_match_that_began_in_what_was_shown_is_released_once() -> None:
    """What was shown is not released again."""
    matcher = Matcher(Patterns([Pattern(rule=RULE, steps="secret", view=as_is)]), shown="my sec")
    assert matcher.feed("re") == ("", None)
    assert matcher.feed("ation") == ("reation", None)


def test_a_match_in_what_was_shown_stops_at_once() -> None:
    """Nothing is released after a beginning that holds a match."""
    matcher = Matcher(Patterns([Pattern(rule=RULE, steps="ab", view=as_is)]), shown="x ab y")
    assert matcher.feed("more") == ("", RULE)


def test_texts_that_share_patterns_do_not_disturb_each_other() -> None:
    """Each matcher has its own place in the text."""
    patterns = Patterns([Pattern(rule=RULE, steps="ab", view=as_is)])
    one, other = Matcher(patterns), Matcher(patterns)
    assert one.feed("a") == ("", None)
    assert other.feed("b") == ("b", None)
    assert one.feed("b") == ("", RULE)
    assert other.close() == ("", None)


def test_patterns_beside_others_find_both() -> None:
    """Patterns made beside others find their own and those."""
    common = Patterns([Pattern(rule=RULE, steps="ab", view=as_is)])
    own = Rule("test", "own")
    both = Patterns([Pattern(rule=own, steps="cd", view=as_is)], beside=common)
    assert Matcher(both).feed("-ab") == ("-", RULE)
    assert Matcher(both).feed("-cd") == ("-", own)
    assert Matcher(common).feed("-cd") == ("-cd", None)


def test_forgotten_states_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found and released does not depend on what is remembered."""
    monkeypatch.setattr("server.core.automaton._ROOM", 3)
    matcher = Matcher(Patterns([letters("abcab"), word("bad idea")]))
    harmless = "ab ca ab-caa bad a\u00df idea x "
    released = "".join(matcher.feed(char)[0] for char in harmless * 3)
    assert released == harmless * 3
    assert len(matcher._patterns._states) <= 3
    foreign = "".join(map(chr, range(0x4E00, 0x4E80)))
    assert matcher.feed(foreign) == (foreign, None)
    assert len(matcher._state.after) <= 3
    assert matcher.feed("so a-b-c-a-b") == ("so ", RULE)
