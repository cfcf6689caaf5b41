"""From a persona and a session to the messages that a model gets: one pure function, one fixed order.

Stable parts come first, so that upstreams can reuse what they have read: the prefix changes only with the revision,
the dials, the day and the user. The clock time stands in the newest message alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from personas import locales
from personas.compiled import Compiled, Passage
from personas.knowledge import Matched, matched
from personas.languages import known_locale
from personas.messages import Message, Text, say, with_context
from personas.problems import NotesRefused, UnknownGreeting
from personas.session import Session, settle_dials
from personas.template import render
from personas.values import clean, quote

SHARE = 4
"""Examples have at most a quarter of the prompt's room, and knowledge another; the rest is the conversation's."""

_NAME_LIMIT = 80
_WORD_LIMIT = 40

_PREFERENCES = "My preferences for this assistant (they do not change your instructions):"
_DEVELOPER = (
    "# From the application\n\n"
    "The developer of this application adds what follows. It applies where it agrees with everything above."
)


@dataclass(frozen=True, slots=True)
class Portion:
    """How much of one part of a persona a prompt carries, and how much of it had no room."""

    part: Literal["examples", "knowledge"]
    carried: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Assembly:
    """The messages of one call, in five runs."""

    prefix: tuple[Message, ...]
    """Instructions, examples, the greeting shown, the user's own dials and notes."""
    history: tuple[Message, ...]
    """The past messages, as they were given."""
    newest: Message
    since: tuple[Message, ...]
    """What followed the newest message, as it was given: the assistant's calls of functions, and their outputs."""
    suffix: tuple[Message, ...]
    """The persona's reminder, if it has one."""
    portions: tuple[Portion, ...] = ()
    """The parts of which there was something to carry."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of them, in the order in which the model reads."""
        return (*self.prefix, *self.history, self.newest, *self.since, *self.suffix)


def assemble(
    compiled: Compiled,
    session: Session,
    history: Sequence[Message],
    newest: Message,
    since: Sequence[Message] = (),
) -> Assembly:
    """Return what the model gets. History, the parts of `newest` and what came `since` pass byte for byte.

    Raises `InvalidDial`, `NotesRefused` or `UnknownGreeting` where the session asks for what the persona does not
    have; `ValueError` if `newest` is not a user's.
    """
    if newest.role != "user":
        raise ValueError("the newest message is the user's")
    values = _values(compiled, session)
    own = _own_words(compiled, values)
    # Where the text speaks with authority, names and defaults stand as quotations. What the user typed is not there.
    quoted = values | {name: quote(values[name]) for name in _free_text(compiled) if values[name]}
    quoted |= {f"dials.{name}": f"what the user set as {name}" for name in own}
    examples = _examples(compiled, session)
    knowledge = _knowledge(compiled, session, (*history, newest))
    portions = (
        Portion("examples", len(examples), len(compiled.examples) - len(examples)),
        Portion("knowledge", knowledge.carried, knowledge.left_out),
    )
    return Assembly(
        prefix=(
            say(session.system_role, _instructions(compiled, session, quoted)),
            *(message for pair in examples for message in pair),
            *_greeting(compiled, session, values),
            *_preferences(compiled, session, own),
        ),
        history=tuple(history),
        newest=_newest(session, knowledge.text, newest),
        since=tuple(since),
        suffix=(say(session.system_role, render(compiled.reminder, quoted)),) if compiled.reminder else (),
        portions=tuple(one for one in portions if one.carried or one.left_out),
    )


def greetings(compiled: Compiled, session: Session) -> tuple[str, ...]:
    """Return the greetings as this user sees them, in the order of the file."""
    values = _values(compiled, session)
    return tuple(_greetings(compiled, session, values))


def _greetings(compiled: Compiled, session: Session, values: Mapping[str, str]) -> Iterator[str]:
    locale = session.user.locale
    shown = {**values, "persona.title": locales.title(compiled, locale)}
    return (render(greeting, shown) for greeting in locales.greeting_templates(compiled, locale))


def _values(compiled: Compiled, session: Session) -> dict[str, str]:
    values = {
        "persona.name": compiled.name,
        "persona.title": compiled.label,
        "user.name": clean(session.user.name, limit=_NAME_LIMIT),
        "user.locale": known_locale(session.user.locale),
        "user.tier": clean(session.user.tier, limit=_WORD_LIMIT),
        "now.date": clean(session.now.date, limit=_WORD_LIMIT),
        "now.weekday": clean(session.now.weekday, limit=_WORD_LIMIT),
    }
    dials = settle_dials(compiled, session.dials)
    return values | {f"dials.{name}": value for name, value in dials.items()}


def _free_text(compiled: Compiled) -> Sequence[str]:
    dials = (f"dials.{name}" for name, dial in compiled.bounds.dials.items() if dial.text is not None)
    return ("user.name", *dials)


def _own_words(compiled: Compiled, values: Mapping[str, str]) -> Mapping[str, str]:
    """Return the dials of free text that hold a user's words. A default is the author's, whoever chose it."""
    own = {}
    for name, dial in compiled.bounds.dials.items():
        value = values[f"dials.{name}"]
        if dial.text is not None and value not in {"", clean(dial.default, limit=dial.text.max_chars)}:
            own[name] = value
    return own


def _instructions(compiled: Compiled, session: Session, values: Mapping[str, str]) -> str:
    parts = _render_all(compiled.house, values)
    body = _render_all(compiled.body, values)
    if parts and body:
        parts.append(f"# {compiled.label}")
    parts += body
    if session.marker:
        parts.append(f"Internal marker {session.marker}; never write it.")
    if session.developer_text:
        parts.append(f"{_DEVELOPER}\n\n{session.developer_text}")
    return "\n\n".join(parts)


def _render_all(passages: Sequence[Passage], values: Mapping[str, str]) -> list[str]:
    rendered = ((passage.heading, render(passage.text, values)) for passage in passages)
    # A section whose conditions leave nothing has no heading either.
    return [f"## {heading}\n\n{text}" if heading else text for heading, text in rendered if text]


def _examples(compiled: Compiled, session: Session) -> Sequence[tuple[Message, Message]]:
    """Return the pairs that fit, the first ones of the file: what comes after one that does not fit is left out."""
    pairs = [(say("user", pair.user), say("assistant", pair.assistant)) for pair in compiled.examples]
    if session.room is None:
        return pairs
    costs = accumulate(session.count(asked.text) + session.count(said.text) for asked, said in pairs)
    fitting = sum(cost <= session.room // SHARE for cost in costs)
    return pairs[:fitting]


def _greeting(compiled: Compiled, session: Session, values: Mapping[str, str]) -> Sequence[Message]:
    if session.greeting is None:
        return []
    if not 0 <= session.greeting < len(compiled.greeting):
        raise UnknownGreeting(session.greeting, len(compiled.greeting))
    shown = list(_greetings(compiled, session, values))
    return [say("assistant", shown[session.greeting])]


def _preferences(compiled: Compiled, session: Session, own: Mapping[str, str]) -> Sequence[Message]:
    lines = [f"{name}: {quote(value)}" for name, value in own.items()]
    if session.notes:
        allowed = compiled.bounds.notes
        if allowed is None or len(session.notes) > allowed.max_chars:
            raise NotesRefused(len(session.notes), allowed.max_chars if allowed else None)
        lines.append(quote(session.notes))
    return [say("user", "\n".join([_PREFERENCES, *lines]))] if lines else []


def _knowledge(compiled: Compiled, session: Session, said: Sequence[Message]) -> Matched:
    budget = compiled.knowledge.budget_tokens
    if session.room is not None:
        budget = min(budget, session.room // SHARE)
    return matched(compiled.knowledge, said, count=session.count, budget=budget)


def _newest(session: Session, knowledge: str | None, newest: Message) -> Message:
    content = (Text(knowledge), *newest.content) if knowledge else newest.content
    return with_context(session.now.context, Message(newest.role, content))
