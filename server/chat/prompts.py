"""From a persona, a history and a request to the messages that an upstream gets."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

import personas
from server.chat.catalogue import Speaker
from server.chat.dialogue import around, as_said, without_context, without_images
from server.core.context import PER_MESSAGE, Budget, divide, fit
from server.core.errors import Refused
from server.core.ports import Tokens
from server.core.records import Actor, CallPart, ImagePart, Message, Model, OutputPart, Part, Prompt, Role, TextPart
from server.core.requests import TurnRequest

LONGEST_TOKEN = 32
"""Characters per token of context beyond which a message is not even counted: counting megabytes takes seconds."""

REMEMBERED = 8_192
"""Characters of the longest text whose count is remembered, with the text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a prompt."""

    role: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A prompt, ready for its model."""

    lines: Sequence[Line]
    tokens: int
    """What the prompt counts, by the model's table."""
    answer: int
    """Tokens that are kept free for the answer."""
    past: int
    """How many messages of the history it carries; the older ones had no room."""
    portions: Sequence[personas.Portion]

    @property
    def digest(self) -> str:
        """What tells these messages from any others: the SHA-256 of their roles and parts, in hex."""
        return hashlib.sha256(msgspec.json.encode([(line.role, line.parts) for line in self.lines])).hexdigest()


class Prompts:
    """Writes prompts. Pure but for the token tables, which count; remembers counts of what comes again and again."""

    def __init__(self, *, tokens: Tokens, marker: Callable[[str], str]) -> None:
        self._marker = marker
        self._count_anew = tokens.count
        self._count = lru_cache(maxsize=2048)(tokens.count)

    def marker(self, speaker: Speaker) -> str:
        """Return the leak marker of this revision."""
        return self._marker(speaker.digest)

    def count(self, text: str, model: Model) -> int:
        """Return the tokens of `text` by the model's table."""
        count = self._count if len(text) <= REMEMBERED else self._count_anew
        return count(text, model.tokens)

    def write(
        self,
        *,
        speaker: Speaker,
        model: Model,
        prompt: Prompt,
        history: Sequence[Message],
        newest: Message,
        wanted: int | None,
        beside: str = "",
    ) -> Written:
        """Assemble the messages for `model`, as much of `history` among them as fits.

        `beside` is what the upstream is sent beside the messages and puts before the model.
        Raises `Refused("context_length_exceeded")` if persona and newest message alone do not fit,
        `Refused("invalid_dial")`, and `Refused("steering_not_allowed")` for notes that the persona does not take.
        """
        history, newest, later = around(history, newest)
        if not model.vision:
            history = [without_images(one) for one in history]
        since = [as_said(one) for one in later]
        session = self._session(speaker, model, prompt, newest)
        budget = divide(model, wanted)
        longest = model.context * LONGEST_TOKEN
        alone = (newest.text, prompt.notes or "", prompt.developer_text or "", beside, *_texts(since))
        if sum(map(len, alone)) > longest:
            raise _too_long(model, longest // LONGEST_TOKEN, budget)
        bare = self._assemble(speaker, session, (), newest, since)
        fixed = self._cost(bare.messages, model) + (self.count(beside, model) if beside else 0)
        if fixed > budget.prompt:
            raise _too_long(model, fixed, budget)
        costs = self._costs(history, model, budget.prompt - fixed)
        kept = fit(history, costs, budget.prompt - fixed)
        whole = self._assemble(speaker, session, kept, newest, since) if kept else bare
        messages = personas.strict(whole.messages) if model.roles == "strict" else whole.messages
        return Written(
            lines=[_line(one) for one in messages],
            tokens=fixed + sum(costs[len(history) - len(kept) :]),
            answer=budget.answer,
            past=len(kept),
            portions=whole.portions,
        )

    def opening(self, speaker: Speaker, model: Model, *, now: int) -> Sequence[Line]:
        """Return the beginning of a first prompt, for an upstream that reads ahead."""
        prompt = _prompt(now, dials={})
        newest = Message(id="", role="user", parts=(TextPart("Hello"),), created_at=now)
        return self.write(speaker=speaker, model=model, prompt=prompt, history=(), newest=newest, wanted=1).lines

    def _session(self, speaker: Speaker, model: Model, prompt: Prompt, newest: Message) -> personas.Session:
        return personas.Session(
            system_role=model.system_role,
            user=personas.User(name=prompt.user_name, locale=prompt.locale, tier=prompt.tier),
            dials=prompt.dials,
            notes=prompt.notes,
            developer_text=prompt.developer_text,
            greeting=prompt.greeting,
            now=personas.Now(date=prompt.date, weekday=prompt.weekday, context=newest.context or None),
            marker=self.marker(speaker),
            count=lambda text: self.count(text, model),
            # What one request wants to hear back does not change which examples the model sees.
            room=divide(model, None).prompt,
        )

    def _assemble(
        self,
        speaker: Speaker,
        session: personas.Session,
        history: Sequence[Message],
        newest: Message,
        since: Sequence[personas.Message],
    ) -> personas.Assembly:
        try:
            past = [as_said(one) for one in history]
            return personas.assemble(speaker.compiled, session, past, as_said(without_context(newest)), since)
        except personas.InvalidDial as wrong:
            raise Refused("invalid_dial", str(wrong), param="dials") from wrong
        except personas.NotesRefused as wrong:
            message = (
                f"{wrong} A user's system text comes as notes; system text of its own needs role {Role.DEVELOPER}."
            )
            raise Refused("steering_not_allowed", message, param="instructions") from wrong
        except personas.UnknownGreeting as wrong:
            raise Refused("invalid_value", str(wrong), param="greeting") from wrong

    def _costs(self, history: Sequence[Message], model: Model, room: int) -> Sequence[int]:
        """Return what each message costs; once one, from the end, has no room, those before it are not counted."""
        costs = [room + 1] * len(history)
        for index in range(len(history) - 1, -1, -1):
            said = as_said(history[index])
            if sum(map(len, _texts([said]))) <= model.context * LONGEST_TOKEN:
                costs[index] = self._cost([said], model)
            room -= costs[index]
            if room < 0:
                break
        return costs

    def _cost(self, messages: Sequence[personas.Message], model: Model) -> int:
        words = sum(self.count(text, model) for text in _texts(messages))
        return words + _of_images(messages, model) + PER_MESSAGE * len(messages)


def prompt_of(actor: Actor, request: TurnRequest, *, now: int, greeting: int | None) -> Prompt:
    """Return what the prompt of this request is made from, beside persona and history.

    A developer's system text comes under the house, and so does that of a client secret; a user's is demoted to notes,
    after those that they are.
    """
    developer = actor.role.covers(Role.DEVELOPER)
    demoted = None if developer else request.steering
    return _prompt(
        now,
        dials=dict(request.dials),
        notes="\n\n".join(text for text in (request.notes, demoted) if text) or None,
        demoted=bool(demoted),
        developer_text=request.steering if developer else actor.binding and actor.binding.instructions,
        user_name=actor.name,
        locale=actor.locale,
        tier=actor.tier,
        greeting=greeting,
    )


def _prompt(now: int, **known: Any) -> Prompt:
    moment = datetime.fromtimestamp(now / 1_000_000, UTC)
    return Prompt(date=moment.strftime("%Y-%m-%d"), weekday=moment.strftime("%A"), **known)


def greetings(speaker: Speaker, actor: Actor, *, now: int) -> Sequence[str]:
    """Return what the persona may open a conversation with, in the actor's language."""
    today = _prompt(now, dials={})
    session = personas.Session(
        user=personas.User(name=actor.name, locale=actor.locale, tier=actor.tier),
        now=personas.Now(date=today.date, weekday=today.weekday),
        count=len,
    )
    return personas.greetings(speaker.compiled, session)


def context_line(now: int) -> str:
    """Return the line of date and time that goes with a user message: minutes, UTC."""
    return datetime.fromtimestamp(now / 1_000_000, UTC).strftime("<context>%Y-%m-%d %H:%M UTC</context>")


def _texts(messages: Sequence[personas.Message]) -> list[str]:
    """Return all that is text in the messages, names and arguments of calls among it."""
    texts: list[str] = []
    for message in messages:
        for part in message.content:
            match part:
                case personas.Text() | personas.Output():
                    texts.append(part.text)
                case personas.Call():
                    texts += [part.name, part.arguments]
                case personas.Image():
                    pass
    return texts


def _of_images(messages: Sequence[personas.Message], model: Model) -> int:
    images = (part for message in messages for part in message.content if isinstance(part, personas.Image))
    return sum(model.image_tokens.count(max(1, one.width), max(1, one.height), one.detail) for one in images)


def _line(message: personas.Message) -> Line:
    return Line(message.role, tuple(_part(part) for part in message.content))


def _part(part: personas.Part) -> Part:
    match part:
        case personas.Text():
            return TextPart(part.text)
        case personas.Image():
            return ImagePart(part.id, part.detail, part.alt, part.width, part.height)
        case personas.Call():
            return CallPart(part.id, part.name, part.arguments)
        case personas.Output():
            return OutputPart(part.id, part.text)


def _too_long(model: Model, fixed: int, budget: Budget) -> Refused:
    return Refused(
        "context_length_exceeded",
        f"Persona and newest message are {fixed} tokens or more; {model.alias!r} takes {budget.prompt} of prompt "
        f"(context {model.context}, {budget.answer} kept for the answer). Shorten the message or name a larger model.",
        param="input",
    )
