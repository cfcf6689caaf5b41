"""A catalogue of personas and three models, for the tests of who answers and with which prompt."""

from collections.abc import Mapping, Sequence
from typing import cast

import personas
from ratelimit.adaptive import Adaptive
from server.adapters.moderator_rules import RulesModerator
from server.chat.catalogue import Catalogue
from server.chat.prompts import Prompts
from server.chat.questions import Questions
from server.core.ports_operator import Revision, Revisions, Standing
from server.core.records import Actor, Model, Role

LIBRARY = personas.Library.load([personas.CATALOG])

MODELS = {
    "small": Model(alias="small", upstreams=("mock",), upstream_id="s", context=40_000),
    "large": Model(alias="large", upstreams=("mock",), upstream_id="l", context=90_000, prefill=True),
    "seeing": Model(alias="seeing", upstreams=("mock",), upstream_id="v", context=90_000, vision=True),
}


class Letters:
    """A token for each letter."""

    def count(self, text: str, table: str) -> int:
        return len(text)


PROMPTS = Prompts(tokens=Letters(), marker=lambda _: "amber walnut 3f9c12")
QUESTIONS = Questions(prompts=PROMPTS, moderator=RulesModerator(blocklist=[]), user_tag=str.upper)


def compiled(name: str = "assistant", **changes: object) -> personas.Compiled:
    """Return a shipped persona, with `changes` of its access or model."""
    return LIBRARY.get(name).model_copy(update=changes)


def revision(number: int = 1, persona: personas.Compiled | None = None) -> Revision:
    """Return a revision of a persona."""
    persona = persona or compiled()
    return Revision(
        persona=persona.name,
        number=number,
        digest=persona.digest,
        compiled=persona.to_json(),
        source="",
        origin="file",
        author="",
        note="",
        created_at=0,
    )


class Kept:
    """Revisions that are stored, live or not."""

    def __init__(self, kept: Sequence[Revision]) -> None:
        self._kept = {(one.persona, one.number): one for one in kept}

    async def revision(self, persona: str, number: int) -> Revision | None:
        return self._kept.get((persona, number))


def catalogue(
    *live: Revision,
    kept: Sequence[Revision] = (),
    broken: Mapping[str, str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> Catalogue:
    """Return a catalogue in which `live` answer; the shipped assistant alone if none is given."""
    made = Catalogue(
        models=MODELS,
        groups=groups or {},
        default_model="small",
        default_persona="assistant",
        revisions=cast(Revisions, Kept(kept)),
    )
    answering = live or (revision(),)
    made.take({one.persona: Standing(labels={"live": one.number}) for one in answering}, answering)
    made.take_broken(broken or {})
    return made


def unwatched() -> Adaptive:
    """Return a capacity that no rule bounds."""
    return Adaptive(rules=[], upstreams={}, lease_us=1, clock=lambda: 0)


def actor(role: Role = Role.USER, tier: str = "plus") -> Actor:
    """Return who asks."""
    return Actor(user_id="user_1", name="Ana", tier=tier, role=role)
