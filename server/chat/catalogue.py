"""Who can answer: the models of the configuration and the live personas, and which of them a request means."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from personas import Compiled
from server.core.errors import Refused
from server.core.ports_operator import LABELS, LIVE, Revision, Revisions, Standing
from server.core.records import Actor, Conversation, Model, Role
from server.core.requests import TurnRequest
from server.core.rollout import chosen, place

PREFIX = "persona:"


@dataclass(frozen=True, slots=True)
class Speaker:
    """One revision of a persona, ready to assemble prompts."""

    name: str
    number: int
    digest: str
    compiled: Compiled
    created_at: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Who answers a request."""

    speaker: Speaker
    model: Model
    """The alias asked for, or the first that the persona allows."""
    asked: str
    """What the client named, to be told back to it."""


class Catalogue:
    """The live personas and all models of this deployment.

    Revisions that are pinned but no longer live are read once and kept: they never change.
    """

    def __init__(
        self,
        *,
        models: Mapping[str, Model],
        groups: Mapping[str, Sequence[str]],
        default_model: str,
        default_persona: str,
        revisions: Revisions,
    ) -> None:
        self._models = models
        self._groups = groups
        self._default_model = default_model
        self._default_persona = default_persona
        self._revisions = revisions
        self._broken: Mapping[str, str] = {}
        self._standings: Mapping[str, Standing] = {}
        self._live: Mapping[str, Speaker] = {}
        self._known: dict[tuple[str, int], Speaker] = {}

    def unread(self, standings: Mapping[str, Standing]) -> set[tuple[str, int]]:
        """Return the revisions that answer by `standings` and are not known here yet."""
        return {(name, number) for name, one in standings.items() for number in _answering(one)} - self._known.keys()

    def take(self, standings: Mapping[str, Standing], revisions: Iterable[Revision]) -> None:
        """Let these answer from now on; `revisions` are those that were `unread`."""
        for revision in revisions:
            self._keep(revision)
        live = {name: self._known.get((name, one.labels.get(LIVE, 0))) for name, one in standings.items()}
        self._live = {name: speaker for name, speaker in live.items() if speaker is not None}
        self._standings = standings

    def take_broken(self, broken: Mapping[str, str]) -> None:
        """Know why files of these names cannot be used, to say it of those for whom no revision is live."""
        self._broken = broken

    def models(self) -> Sequence[Model]:
        """Return all aliases, in the order of the configuration."""
        return list(self._models.values())

    def personas(self, actor: Actor) -> Sequence[Speaker]:
        """Return who answers this actor, by name."""
        return [self._for(actor, name) for name in sorted(self._live)]

    def default(self) -> tuple[Speaker, Model]:
        """Return who answers when a request names nobody. Raises `Refused` if that persona has errors."""
        return self._live_one(self._default_persona), self._models[self._default_model]

    def model(self, alias: str) -> Model:
        """Return the model behind `alias`; it exists."""
        return self._models[alias]

    def find(self, alias: str) -> Model | None:
        """Return the model behind `alias`, None if it is not configured (any longer)."""
        return self._models.get(alias)

    async def speaker(self, name: str, number: int) -> Speaker | None:
        """Return this revision of a persona, live or not."""
        known = self._known.get((name, number))
        if known is None:
            revision = await self._revisions.revision(name, number)
            known = self._keep(revision) if revision else None
        return known

    async def choose(self, actor: Actor, request: TurnRequest, conversation: Conversation | None) -> Choice:
        """Find who answers. Raises `Refused` where names do not exist, do not go together or are not the actor's."""
        alias, named = split(request.model, request.persona)
        speaker = await self._speaker_for(actor, named, conversation)
        _admit(actor, speaker)
        allowed = self.allowed(speaker)
        if alias is None:
            model = next((self._models[name] for name in allowed), None)
            if model is None:
                raise Refused("no_model_available", f"The persona {speaker.name!r} allows no model that is configured.")
            return Choice(speaker, model, request.model or model.alias)
        if alias not in self._models:
            raise _unknown("model_not_found", "model", alias, self._models, param="model")
        if alias not in allowed:
            raise Refused(
                "persona_model_mismatch",
                f"The persona {speaker.name!r} does not allow the model {alias!r}; it allows {', '.join(allowed)}.",
                param="model",
            )
        return Choice(speaker, self._models[alias], alias)

    async def check_for_users(self, actor: Actor, request: TurnRequest) -> None:
        """Raise `Refused` where no user at all can be answered. Of which tier they are is not looked at: it changes."""
        _, named = split(request.model, request.persona)
        if named is not None and _revision_of(named)[1] is not None:
            raise _for_developers()
        speaker = (await self.choose(replace(actor, role=Role.OPERATOR), request, None)).speaker
        if _is_closed(speaker):
            raise _not_allowed(speaker, "operators")

    def allowed(self, speaker: Speaker) -> list[str]:
        """Return the aliases that may answer for the persona, the preferred one first."""
        return allowed_aliases(speaker.compiled, self._models, self._groups, self._default_model)

    def reader(self, speaker: Speaker) -> str | None:
        """Return the first alias that may answer for the persona and reads images."""
        return next((name for name in self.allowed(speaker) if self._models[name].vision), None)

    def caller(self, speaker: Speaker) -> str | None:
        """Return the first alias that may answer for the persona and calls functions."""
        return next((name for name in self.allowed(speaker) if self._models[name].tools), None)

    async def _speaker_for(self, actor: Actor, named: str | None, conversation: Conversation | None) -> Speaker:
        pinned = conversation.persona if conversation else None
        if named is None and conversation is not None and pinned is not None and conversation.revision is not None:
            return await self._revision(pinned, conversation.revision)
        name, wanted = _revision_of(named or self._default_persona)
        if wanted is None:
            kept = conversation.revision if conversation is not None and pinned == name else None
            # Naming the persona anew is how a conversation leaves a revision that was recalled.
            if kept is not None and kept not in self._recalled(name):
                return await self._revision(name, kept)
            return self._for(actor, name)
        is_pinned = conversation is not None and (name, wanted) == (pinned, conversation.revision)
        if not is_pinned and not actor.role.covers(Role.DEVELOPER):
            raise _for_developers()
        return await self._revision(name, self._numbered(name, wanted))

    async def _revision(self, name: str, number: int) -> Speaker:
        if number in self._recalled(name):
            raise Refused(
                "persona_recalled",
                f"Revision {number} of the persona {name!r} was recalled; name {name!r} to get the live one.",
                param="persona",
            )
        speaker = await self.speaker(name, number)
        if speaker is None:
            raise Refused("persona_not_found", f"The persona {name!r} has no revision {number}.", param="persona")
        return speaker

    def _recalled(self, name: str) -> Collection[int]:
        return self._standings[name].recalled if name in self._standings else ()

    def _numbered(self, name: str, wanted: int | str) -> int:
        """Return the number of a revision that is named by its number or a label."""
        labels = self._standings[name].labels if name in self._standings else {}
        number = wanted if isinstance(wanted, int) else labels.get(wanted)
        if number is None:
            raise Refused("persona_not_found", f"No revision of {name!r} is {wanted}.", param="persona")
        return number

    def _for(self, actor: Actor, name: str) -> Speaker:
        """Return the live revision, or the one that is being rolled out to this actor."""
        live = self._live_one(name)
        shares = self._standings[name].rollout
        number = chosen(shares, place(name, actor.user_id)) if shares else None
        return live if number is None else self._known[name, number]

    def _live_one(self, name: str) -> Speaker:
        if name in self._live:
            return self._live[name]
        if name in self._broken:
            raise Refused("persona_invalid", f"The persona {name!r} has errors: {self._broken[name]}", param="persona")
        raise _unknown("persona_not_found", "persona", name, self._live, param="persona")

    def _keep(self, revision: Revision) -> Speaker:
        compiled = Compiled.from_json(revision.compiled)
        speaker = Speaker(revision.persona, revision.number, revision.digest, compiled, revision.created_at)
        self._known[revision.persona, revision.number] = speaker
        return speaker


def allowed_aliases(
    compiled: Compiled, models: Collection[str], groups: Mapping[str, Sequence[str]], default: str
) -> list[str]:
    """Return those of the models that may answer for a persona, the preferred one first."""
    use = compiled.model.use
    if use is None:
        return [default, *(name for name in models if name != default)]
    names = [alias for entry in use for alias in groups.get(entry, (entry,))]
    return [name for name in dict.fromkeys(names) if name in models]


def _admit(actor: Actor, speaker: Speaker) -> None:
    """Refuse those whom the persona is not for."""
    tiers, closed = speaker.compiled.access.tiers, _is_closed(speaker)
    outside = tiers is not None and actor.tier not in tiers
    if (closed or outside) and not actor.role.covers(Role.OPERATOR):
        raise _not_allowed(
            speaker, f"the tiers {', '.join(tiers)}" if outside and tiers and not closed else "operators"
        )


def _is_closed(speaker: Speaker) -> bool:
    """Return whether only operators get it. There are no groups of users yet, so groups admit nobody else."""
    return speaker.compiled.access.owner_only or speaker.compiled.access.groups is not None


def _not_allowed(speaker: Speaker, for_whom: str) -> Refused:
    return Refused("persona_not_allowed", f"The persona {speaker.name!r} is for {for_whom}.", param="persona")


def _for_developers() -> Refused:
    return Refused(
        "persona_revision_forbidden",
        "Choosing a revision of a persona needs a key of role developer; leave `@n` out to get the live one.",
        param="persona",
    )


def split(model: str | None, persona: str | None) -> tuple[str | None, str | None]:
    """Return the alias and the persona that a request names; `model` may hold either."""
    if model is None or not model.startswith(PREFIX):
        return model, persona
    named = model.removeprefix(PREFIX)
    if persona is not None and persona != named:
        raise Refused(
            "invalid_value",
            f"`model` names the persona {named!r} and `persona` {persona!r}; name one.",
            param="persona",
        )
    return None, named


def _answering(standing: Standing) -> set[int]:
    live = standing.labels.get(LIVE)
    return {*([live] if live is not None else []), *(share.revision for share in standing.rollout)}


def _revision_of(named: str) -> tuple[str, int | str | None]:
    """Return the persona and which revision: a number, a label, or None for the live one."""
    name, at, number = named.partition("@")
    if not at:
        return name, None
    if number in LABELS:
        return name, number
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004  more digits than revisions there will ever be
        raise Refused("invalid_value", f"{named!r} is not `name`, `name@number` or `name@label`.", param="persona")
    return name, int(number)


def _unknown(code: str, kind: str, name: str, known: Collection[str], *, param: str) -> Refused:
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(sorted(known)[:12])}."
    return Refused(code, f"There is no {kind} {name!r}.{hint}", param=param)
