"""From a request to a turn that may be stored: who answers, from which history, within which caps, past the screen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

import ratelimit
from server.chat.answer import Question
from server.chat.binding import bound
from server.chat.catalogue import Catalogue, Choice, Speaker
from server.chat.drafts import Drafts, beside, check_vision
from server.chat.extras import KnownExtras
from server.chat.pictures import Pictures, Taken
from server.chat.prompts import Prompts, Written, context_line, prompt_of
from server.chat.questions import Questions
from server.chat.refusals import blocked, cap_refused, caps_away, headers_of
from server.chat.threads import Thread, Threads
from server.core.errors import Refused
from server.core.estimates import Lengths
from server.core.ports import Clock, Ids, Moderator
from server.core.ports_images import Picture
from server.core.records import Actor, Conversation, ImagePart, Model, Role, Sampling, ServedBy, Turn
from server.core.requests import TurnRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A turn whose caps are held; whoever gets it stores it or releases the hold."""

    turn: Turn
    thread: Thread
    question: Question | None
    """None for a turn that asks for no answer; it holds nothing."""
    headers: Mapping[str, str]
    pictures: Sequence[Picture] = ()
    """Images that came with it and are to be kept with it."""


class Accepting:
    """Decides whether and how a request is served. Stores nothing.

    `lengths` are the newest answers of each alias, for estimates; None sets aside the most that an answer can be.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        threads: Threads,
        catalogue: Catalogue,
        prompts: Prompts,
        questions: Questions,
        limiter: ratelimit.Limits,
        extras: KnownExtras,
        moderator: Moderator,
        pictures: Pictures,
        lengths: Mapping[str, Lengths] | None,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._threads = threads
        self._catalogue = catalogue
        self._prompts = prompts
        self._questions = questions
        self._limiter = limiter
        self._extras = extras
        self._moderator = moderator
        self._pictures = pictures
        self._lengths = lengths

    async def accept(
        self, actor: Actor, request: TurnRequest, *, waiting: Callable[[int], None] | None = None
    ) -> Accepted:
        """Check everything, hold every cap, screen the input. Raises `Refused`, and then nothing is held.

        `waiting` hears the request's position while it waits for room.
        """
        request = bound(actor, request)
        conversation = await self._threads.conversation(actor, request)
        choice = await self._catalogue.choose(actor, request, conversation)
        _admit_functions(actor, request, choice.speaker)
        reader, caller = self._catalogue.reader(choice.speaker), self._catalogue.caller(choice.speaker)
        taken = await self._taken(actor, request, choice.model, reader)
        request = taken.request
        now = self._clock.now()
        thread = await self._threads.place(actor, request, conversation, context_line(now))
        turn = self._turn(actor, request, choice, thread, now)
        thread = _pinned(thread, choice.speaker, turn.prompt.greeting)
        if not request.generate:
            # What is stored now is read with the turns that continue it.
            await self._screen_input(actor, request, choice.speaker)
            return Accepted(turn=turn, thread=thread, question=None, headers={}, pictures=taken.new)
        drafts = Drafts(self._prompts, choice.speaker, turn, thread, reader=reader, caller=caller)
        held = await self._hold(actor, request, choice, turn, drafts, drafts.write(choice.model), waiting)
        try:
            await self._screen_input(actor, request, choice.speaker)
            served = self._served(turn, held)
            model = self._catalogue.model(served.model)
            written = drafts.write(model)
            served = msgspec.structs.replace(served, prompt_digest=written.digest)
            question = self._questions.question(served, choice.speaker, model, written)
        except BaseException:
            # A ledger that cannot be reached gives it back when its lease ends.
            with suppress(ratelimit.LedgerAway):
                await self._limiter.release(held.hold_id)
            raise
        return Accepted(
            turn=served,
            thread=thread,
            question=question,
            headers=headers_of(held, held.at_us),
            pictures=taken.new,
        )

    async def measure(self, actor: Actor, request: TurnRequest) -> int:
        """Return the tokens of the prompt that the request would make. Holds nothing. Raises `Refused`."""
        request = bound(actor, request)
        conversation = await self._threads.conversation(actor, request)
        choice = await self._catalogue.choose(actor, request, conversation)
        request = (await self._taken(actor, request, choice.model, self._catalogue.reader(choice.speaker))).request
        now = self._clock.now()
        thread = await self._threads.place(actor, request, conversation, context_line(now))
        turn = self._turn(actor, request, choice, thread, now)
        return Drafts(self._prompts, choice.speaker, turn, thread).write(choice.model).tokens

    async def _taken(self, actor: Actor, request: TurnRequest, model: Model, reader: str | None) -> Taken:
        """Take the images in, unless they are for a model that sees none."""
        if any(isinstance(part, ImagePart) for item in request.items[-1:] for part in item.parts):
            check_vision(model, reader)
        return await self._pictures.taken(actor, request)

    def _turn(self, actor: Actor, request: TurnRequest, choice: Choice, thread: Thread, now: int) -> Turn:
        known = thread.conversation
        greeting = request.greeting if known is None or thread.begins else known.greeting
        return Turn(
            id=self._ids.new("resp"),
            user_id=actor.user_id,
            asked=choice.asked,
            model=choice.model.alias,
            persona=choice.speaker.name,
            revision=choice.speaker.number,
            prompt=prompt_of(actor, request, now=now, greeting=greeting),
            sampling=_sampling(request.sampling, choice.speaker),
            created_at=now,
            hold_id="",
            message_id=self._ids.new("msg"),
            input_ids=tuple(message.id for message in thread.inputs),
            parent_id=thread.parent_id,
            conversation_id=known.id if known else None,
            previous_id=request.previous_id,
            client_request_id=request.client_request_id,
            body_digest=request.body_digest,
            door=request.door,
            store=request.store,
            functions=request.functions,
            background=request.background,
            echo=dict(request.echo),
        )

    async def _hold(
        self,
        actor: Actor,
        request: TurnRequest,
        choice: Choice,
        turn: Turn,
        drafts: Drafts,
        written: Written,
        waiting: Callable[[int], None] | None,
    ) -> ratelimit.Held:
        """Set aside what the turn may cost; `written` is its prompt for the model of `choice`."""
        allowed = self._catalogue.allowed(choice.speaker)

        def cannot(alias: str) -> str | None:
            if alias not in allowed:
                return "the persona does not allow it"
            return drafts.unfit(self._catalogue.model(alias))

        expected = self._expected(choice.model, written.answer)
        ask = ratelimit.Ask(
            hold_id=turn.id,
            subject=actor.user_id,
            tier=actor.tier,
            model=choice.model.alias,
            tokens=written.tokens + expected,
            answer_tokens=expected,
            images=drafts.images,
            organisation=actor.organisation,
            extras=await self._extras.of(actor),
            usable=cannot,
            waiting=waiting,
            prefer=request.when_capped,
        )
        try:
            outcome = await self._limiter.hold(ask)
        except ratelimit.LedgerAway as away:
            raise caps_away() from away
        if isinstance(outcome, ratelimit.Refused):
            raise cap_refused(outcome, self._clock.now(), actor.locale)
        return outcome

    def _expected(self, model: Model, most: int) -> int:
        """Return the tokens that are set aside for the answer."""
        return most if self._lengths is None else self._lengths[model.alias].p95(most)

    async def _screen_input(self, actor: Actor, request: TurnRequest, speaker: Speaker) -> None:
        context = self._questions.screened(speaker, actor.tier)
        for text in _brought(actor, request):
            verdict = await self._moderator.check_input(text, context) if text else None
            if verdict is not None and verdict.action == "stop":
                raise blocked(verdict)

    def _served(self, turn: Turn, held: ratelimit.Held) -> Turn:
        by = held.served_by
        told = ServedBy(by.asked, by.served, by.because, by.back_at) if by else None
        return msgspec.structs.replace(turn, model=held.model, served_by=told, hold_id=held.hold_id)


def _brought(actor: Actor, request: TurnRequest) -> Iterator[str]:
    """Yield what the caller brings: each part alone, and what the parts of a message say together."""
    for item in request.items:
        texts = [part.text for part in item.parts if not isinstance(part, ImagePart)]
        yield from texts
        if len(texts) > 1:
            yield "".join(texts)
    yield request.steering or ""
    yield (actor.binding and actor.binding.instructions) or ""
    yield request.notes or ""
    yield beside(request.functions, request.sampling.format)


def _admit_functions(actor: Actor, request: TurnRequest, speaker: Speaker) -> None:
    """Refuse a user's functions and schemas where the persona takes no notes: models read them as instructions."""
    wanted = request.sampling.format
    steers = request.functions is not None or (wanted is not None and wanted.schema is not None)
    if steers and speaker.compiled.bounds.notes is None and not actor.role.covers(Role.DEVELOPER):
        raise Refused(
            "steering_not_allowed",
            f"The persona {speaker.name!r} takes no notes, and so no functions or schemas of a user. They need role "
            f"{Role.DEVELOPER}.",
            param="tools" if request.functions is not None else "response_format",
        )


def _sampling(asked: Sampling, speaker: Speaker) -> Sampling:
    """Return what the caller asks, completed by what the persona says."""
    own = speaker.compiled.model
    return msgspec.structs.replace(
        asked,
        temperature=asked.temperature if asked.temperature is not None else own.temperature,
        top_p=asked.top_p if asked.top_p is not None else own.top_p,
        max_output_tokens=min(
            (limit for limit in (asked.max_output_tokens, own.max_output_tokens) if limit is not None), default=None
        ),
    )


def _pinned(thread: Thread, speaker: Speaker, greeting: int | None) -> Thread:
    """Let a conversation that begins keep the revision that it begins with."""
    if not thread.begins or thread.conversation is None:
        return thread
    known: Conversation = replace(thread.conversation, persona=speaker.name, revision=speaker.number, greeting=greeting)
    return replace(thread, conversation=known)
