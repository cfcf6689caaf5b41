"""From a request to a turn that may be stored: who answers, from which history, within which caps, past the screen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

import ratelimit
from server.chat.answer import Question
from server.chat.catalogue import Catalogue, Choice, Speaker
from server.chat.prompts import Prompts, Written, context_line, prompt_of
from server.chat.refusals import blocked, cap_refused, headers_of
from server.chat.threads import Thread, Threads
from server.core.context import PER_MESSAGE
from server.core.errors import Refused
from server.core.estimates import Lengths
from server.core.ports import Call, Clock, Ids, Moderator, Screen, ScreenContext
from server.core.records import Actor, Conversation, ImagePart, Message, Model, Sampling, ServedBy, TextPart, Turn
from server.core.requests import TurnRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A turn whose caps are held; whoever gets it stores it or releases the hold."""

    turn: Turn
    thread: Thread
    question: Question | None
    """None for a turn that asks for no answer; it holds nothing."""
    headers: Mapping[str, str]


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
        limiter: ratelimit.Limiter,
        moderator: Moderator,
        user_tag: Callable[[str], str],
        lengths: Mapping[str, Lengths] | None,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._threads = threads
        self._catalogue = catalogue
        self._prompts = prompts
        self._limiter = limiter
        self._moderator = moderator
        self._user_tag = user_tag
        self._lengths = lengths

    async def accept(self, actor: Actor, request: TurnRequest) -> Accepted:
        """Check everything, hold every cap, screen the input. Raises `Refused`, and then nothing is held."""
        conversation = await self._threads.conversation(actor, request)
        choice = await self._catalogue.choose(actor, request, conversation)
        now = self._clock.now()
        thread = await self._threads.place(actor, request, conversation, context_line(now))
        turn = self._turn(actor, request, choice, thread, now)
        thread = _pinned(thread, choice.speaker, turn.prompt.greeting)
        if not request.generate:
            # What is stored now is read with the turns that continue it.
            await self._screen_input(actor, request, choice.speaker)
            return Accepted(turn=turn, thread=thread, question=None, headers={})
        drafts = _Drafts(self._prompts, choice.speaker, turn, thread)
        drafts.write(choice.model)
        held = await self._hold(actor, request, choice, turn, drafts)
        try:
            await self._screen_input(actor, request, choice.speaker)
            served = self._served(turn, held)
            question = self._question(served, choice.speaker, drafts.write(self._catalogue.model(served.model)))
        except BaseException:
            await self._limiter.release(held.hold_id)
            raise
        return Accepted(turn=served, thread=thread, question=question, headers=headers_of(held, now))

    async def question_again(self, turn: Turn, path: Sequence[Message], shown: str) -> Question | None:
        """Return the question of an adopted turn, to be continued after `shown`; None where that cannot be done.

        `path` is the history with the turn's own messages at its end.
        """
        speaker = await self._catalogue.speaker(turn.persona, turn.revision)
        model = next((one for one in self._catalogue.models() if one.alias == turn.model), None)
        if speaker is None or model is None or not model.prefill or not path:
            return None
        drafts = _Drafts(self._prompts, speaker, turn, Thread.of_path(path))
        try:
            written = drafts.write(model)
        except Refused:
            return None
        return self._question(turn, speaker, written, shown=shown)

    def estimate(self, turn: Turn, path: Sequence[Message]) -> int:
        """Return roughly the prompt's tokens of an adopted turn that is not continued."""
        model = next((one for one in self._catalogue.models() if one.alias == turn.model), None)
        return sum(self._prompts.count(one.text, model) + PER_MESSAGE for one in path) if model else 0

    def counter(self, turn: Turn) -> Callable[[str], int]:
        """Return what counts tokens for the turn's model."""
        model = next((one for one in self._catalogue.models() if one.alias == turn.model), None)
        return lambda text: self._prompts.count(text, model) if model else len(text) // 4

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
            echo=dict(request.echo),
        )

    async def _hold(
        self, actor: Actor, request: TurnRequest, choice: Choice, turn: Turn, drafts: "_Drafts"
    ) -> ratelimit.Held:
        allowed = self._catalogue.allowed(choice.speaker)

        def cannot(alias: str) -> str | None:
            if alias not in allowed:
                return "the persona does not allow it"
            return drafts.unfit(self._catalogue.model(alias))

        reason = drafts.unfit(choice.model)
        if reason is not None:
            drafts.write(choice.model)
        written = drafts.write(choice.model)
        outcome = await self._limiter.hold(
            ratelimit.Ask(
                hold_id=turn.id,
                subject=actor.user_id,
                tier=actor.tier,
                model=choice.model.alias,
                tokens=written.tokens + self._expected(choice.model, written.answer),
                usable=cannot,
                prefer=request.when_capped,
            )
        )
        if isinstance(outcome, ratelimit.Refused):
            raise cap_refused(outcome, self._clock.now())
        return outcome

    def _expected(self, model: Model, most: int) -> int:
        """Return the tokens that are set aside for the answer."""
        return most if self._lengths is None else self._lengths[model.alias].p95(most)

    async def _screen_input(self, actor: Actor, request: TurnRequest, speaker: Speaker) -> None:
        context = self._screen_context(speaker, actor.tier)
        for text in _brought(request):
            verdict = await self._moderator.check_input(text, context) if text else None
            if verdict is not None and verdict.action == "stop":
                raise blocked(verdict)

    def _served(self, turn: Turn, held: ratelimit.Held) -> Turn:
        by = held.served_by
        told = ServedBy(by.asked, by.served, by.because, by.back_at) if by else None
        return msgspec.structs.replace(turn, model=held.model, served_by=told, hold_id=held.hold_id)

    def _question(self, turn: Turn, speaker: Speaker, written: Written, *, shown: str = "") -> Question:
        model = self._catalogue.model(turn.model)
        sampling = msgspec.structs.replace(turn.sampling, max_output_tokens=written.answer)
        return Question(
            call=Call(
                model=model,
                messages=written.lines,
                sampling=sampling,
                prefix=shown,
                user_tag=self._user_tag(turn.user_id),
                cache_key=speaker.digest,
            ),
            screen=self._screen(speaker, turn, shown),
            prompt_tokens=written.tokens,
            count=self.counter(turn),
        )

    def _screen(self, speaker: Speaker, turn: Turn, shown: str) -> Screen:
        return self._moderator.screen_output(self._screen_context(speaker, turn.prompt.tier), shown=shown)

    def _screen_context(self, speaker: Speaker, tier: str) -> ScreenContext:
        return ScreenContext(
            persona=speaker.name, revision=speaker.number, tier=tier, marker=self._prompts.marker(speaker)
        )


class _Drafts:
    """The prompts of one request, written at most once for each model that may serve it."""

    def __init__(self, prompts: Prompts, speaker: Speaker, turn: Turn, thread: Thread) -> None:
        self._prompts = prompts
        self._speaker = speaker
        self._turn = turn
        self._thread = thread
        self._done: dict[str, Written] = {}

    def write(self, model: Model) -> Written:
        """Return the prompt for `model`. Raises `Refused` where there can be none."""
        if model.alias not in self._done:
            if not model.vision and _has_image(self._thread):
                raise Refused("vision_not_supported", f"{model.alias!r} does not read images.", param="input")
            self._done[model.alias] = self._prompts.write(
                speaker=self._speaker,
                model=model,
                prompt=self._turn.prompt,
                history=self._thread.history,
                newest=self._thread.newest,
                wanted=self._turn.sampling.max_output_tokens,
            )
        return self._done[model.alias]

    def unfit(self, model: Model) -> str | None:
        """Return why `model` cannot serve the request, or None if it can."""
        try:
            self.write(model)
        except Refused as refused:
            return refused.message
        return None


def _brought(request: TurnRequest) -> Iterator[str]:
    """Yield what the caller brings: each part alone, and what the parts of a message say together."""
    for item in request.items:
        texts = [part.text for part in item.parts if isinstance(part, TextPart)]
        yield from texts
        if len(texts) > 1:
            yield "".join(texts)
    yield request.steering or ""


def _has_image(thread: Thread) -> bool:
    return any(isinstance(part, ImagePart) for part in thread.newest.parts)


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
