"""People see a persona in their own language; the model is told the same in all of them."""

import pytest

from personas import Compiled, Now, PersonaRefused, Session, User, assemble, compose, greetings, parse, wording
from personas.messages import say

TUTOR = """\
---
spec: persona/1
name: tutor
title: Tutor
summary: Teaches.
greeting: ["Hello {{ user.name }}.", "I am {{ persona.title }}."]
starters: [Why?]
bounds:
  dials:
    pace: { choices: [slow, fast], default: slow, label: Pace }
    topic: { text: {}, default: "" }
  notes: { label: Notes? }
locales:
  zh:
    title: 导师
    summary: 教学。
    greeting: ["{{ user.name }},你好。", "我是{{ persona.title }}。"]
    starters: [为什么]
    dials:
      pace: { label: 节奏, choices: { slow: 慢, fast: 快 } }
    notes: 备注
  zh-Hant: { title: 導師 }
---
You teach {{ user.locale }}.
"""
HEAD = "---\nspec: persona/1\nname: child\nsummary: S.\nextends: tutor\n"


def compiled(text: str = TUTOR) -> Compiled:
    """Return a persona and what it extends, composed."""
    return compose(parse(text, source="p.md"), {"tutor": parse(TUTOR, source="tutor.md")})


def session(locale: str | None) -> Session:
    """Return a session in a language."""
    return Session(now=Now(date="2026-11-23", weekday="Monday"), count=len, user=User(name="Ada", locale=locale))


@pytest.mark.parametrize(
    ("locale", "title"),
    [("zh", "导师"), ("zh-CN", "导师"), ("zh_Hans_CN", "导师"), ("zh-Hant-TW", "導師"), ("en", None), (None, None)],
)
def test_the_nearest_language_is_shown(locale: str | None, title: str | None) -> None:
    """A region or a script without words of its own has those of its language; other languages have none."""
    assert wording(compiled(), locale).title == title


def test_greetings_are_in_the_language() -> None:
    """The greeting that people see is the one the model is told they saw."""
    assert greetings(compiled(), session("zh-CN")) == ("Ada,你好。", "我是导师。")
    assert greetings(compiled(), session("zh-Hant")) == ("Hello Ada.", "I am 導師.")
    shown = Session(now=session(None).now, count=len, user=User(name="Ada", locale="zh"), greeting=1)
    assert assemble(compiled(), shown, [], say("user", "?")).prefix[1] == say("assistant", "我是导师。")


def test_instructions_are_the_same_in_every_language() -> None:
    """A translation changes what people see and not a byte of what the persona is."""
    prefix = assemble(compiled(), session("zh"), [], say("user", "?")).prefix
    assert (
        prefix
        == assemble(
            compiled(TUTOR[: TUTOR.index("locales:")] + TUTOR[TUTOR.index("---\nYou") :]),
            session("zh"),
            [],
            say("user", "?"),
        ).prefix
    )


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (('greeting: ["{{ user.name }},你好。", ', "greeting: ["), 17, "has 1 greetings, the persona 2"),
        (("      pace: { label: 节奏", "      pase: { label: 节奏"), 20, "no dial `pase`"),
        (("slow: 慢", "slwo: 慢"), 20, "no choice `slwo`"),
        (("  notes: { label: Notes? }\n", ""), 20, "takes no notes"),
        (("我是{{ persona.title }}", "我是{{ nobody }}"), 17, "no `nobody`"),
        (("  zh:\n", "  chinese:\n"), 14, "no language"),
    ],
)
def test_words_that_translate_nothing_are_refused(change: tuple[str, str], line: int, message: str) -> None:
    """The fault is told with its line and a cure."""
    text = TUTOR.replace(*change)
    assert text != TUTOR
    with pytest.raises(PersonaRefused) as refused:
        compose(parse(text, source="tutor.md"), {})
    (problem, *_) = refused.value.problems
    assert (problem.line, message in problem.message) == (line, True), problem
    assert problem.cure


def test_a_child_inherits_translations_of_what_it_inherits() -> None:
    """What the child says anew has no translation until it gives one; titles and summaries are never inherited."""
    words = wording(compiled(HEAD + "---\n"), "zh")
    assert (words.title, words.summary) == (None, None)
    assert len(words.greeting) == 2
    assert words.dials["pace"].choices == {"slow": "慢", "fast": "快"}
    words = wording(compiled(HEAD + "greeting: Hi.\nbounds: { notes: { label: Yours } }\n---\n"), "zh")
    assert (words.greeting, words.starters, words.notes) == ((), ("为什么",), None)
    words = wording(compiled(HEAD + "locales: { zh: { title: 孩子 } }\n---\n"), "zh")
    assert (words.title, len(words.greeting)) == ("孩子", 2)


def test_a_child_with_fewer_choices_keeps_their_words() -> None:
    """Words for choices that are no longer there go."""
    dials = "bounds: { dials: { pace: { choices: [fast, faster], default: fast, label: Speed } } }\n"
    words = wording(compiled(HEAD + dials + "---\n"), "zh").dials["pace"]
    assert (words.label, words.choices) == (None, {"fast": "快"})
