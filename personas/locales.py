"""What people see of a persona in their own language. What a model is told is the same in all of them."""

from collections.abc import Iterator, Mapping

from personas.compiled import Compiled
from personas.fields import Dial, Profile, Wording
from personas.front_matter import Json, Path
from personas.languages import known_locale

_NOTHING = Wording()
_OWN = ("title", "summary")
_TEXTS = (*_OWN, "greeting", "starters")


def wording(compiled: Compiled, locale: str | None) -> Wording:
    """Return the words of the persona for `locale`, such as `zh-Hans-CN`: the nearest that there are.

    The locale is shortened from its end until words are found for it; without any, every field is absent.
    """
    steps = known_locale(locale).split("-")
    shortened = ("-".join(steps[:count]) for count in range(len(steps), 0, -1))
    return next((compiled.locales[tag] for tag in shortened if tag in compiled.locales), _NOTHING)


def title(compiled: Compiled, locale: str | None) -> str:
    """Return what people of `locale` call the persona."""
    return wording(compiled, locale).title or compiled.label


def greeting_templates(compiled: Compiled, locale: str | None) -> tuple[str, ...]:
    """Return the greetings in the words of `locale`, as many as the persona has."""
    return wording(compiled, locale).greeting or compiled.greeting


def passed_on(parent: Json, child: Mapping[str, Json]) -> Json:
    """Return the words of a parent that still fit what the child shows: a translation goes with what it translates."""
    if not isinstance(parent, dict):
        return parent
    said = {*_OWN, *(name for name in _TEXTS if name in child)}
    dials, notes = _at(child, "bounds", "dials"), _at(child, "bounds", "notes", "label")
    kept: dict[str, Json] = {}
    for tag, words in parent.items():
        if isinstance(words, dict):
            fitting = {name: text for name, text in words.items() if name not in said}
            if notes is not None:
                fitting.pop("notes", None)
            if isinstance(dials, dict) and "dials" in fitting:
                fitting["dials"] = _passed_on_dials(fitting["dials"], dials)
            kept[tag] = fitting
    return kept


def misfits(profile: Profile) -> Iterator[tuple[Path, str, str]]:
    """Yield the place, the fault and the cure of words that translate nothing."""
    for tag, words in profile.locales.items():
        here: Path = ("locales", tag)
        if words.greeting and len(words.greeting) != len(profile.greeting):
            message = f"`{tag}` has {len(words.greeting)} greetings, the persona {len(profile.greeting)}."
            yield (*here, "greeting"), message, "Translate each of them, in their order."
        if words.notes is not None and profile.bounds.notes is None:
            yield (*here, "notes"), "The persona takes no notes.", "Remove it."
        for name, dial in words.dials.items():
            yield from _misfits_of_dial((*here, "dials", name), dial.choices, profile.bounds.dials.get(name))


def _misfits_of_dial(here: Path, choices: Mapping[str, str], dial: Dial | None) -> Iterator[tuple[Path, str, str]]:
    if dial is None:
        yield here, f"There is no dial `{here[-1]}`.", "Correct the name: it is the one under `bounds.dials`."
        return
    for choice in choices:
        if choice not in (dial.choices or ()):
            cure = f"Translate: {', '.join(dial.choices)}." if dial.choices else "A dial of free text has none."
            yield (*here, "choices", choice), f"The dial `{here[-1]}` has no choice `{choice}`.", cure


def _passed_on_dials(words: Json, dials: Mapping[str, Json]) -> Json:
    if not isinstance(words, dict):
        return words
    kept = dict(words)
    for name, dial in dials.items():
        known = kept.get(name)
        if isinstance(known, dict) and isinstance(dial, dict):
            kept[name] = _passed_on_dial(known, dial)
    return kept


def _passed_on_dial(words: Mapping[str, Json], dial: Mapping[str, Json]) -> Json:
    kept = {key: value for key, value in words.items() if key != "label" or "label" not in dial}
    choices, now = kept.get("choices"), dial.get("choices")
    if isinstance(choices, dict) and ("text" in dial or isinstance(now, list)):
        kept["choices"] = {word: text for word, text in choices.items() if isinstance(now, list) and word in now}
    return kept


def _at(data: Mapping[str, Json], *path: str) -> Json:
    value: Json = dict(data)
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
