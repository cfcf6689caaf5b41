"""Who answers: names that exist, go together, and are the actor's."""

from dataclasses import replace
from typing import Any

import pytest

from personas.fields import Access, ModelChoice
from server.core.errors import Refused
from server.core.ports_operator import Standing
from server.core.records import Conversation, Role
from server.core.requests import TurnRequest
from server.core.rollout import Share
from tests.unit.server.chat.cast import actor, catalogue, compiled, revision

ONLY_LARGE = revision(persona=compiled("pirate", model=ModelChoice(use=("large",))))
FROM_A_GROUP = revision(persona=compiled("pirate", model=ModelChoice(use=("big", "absent", "small"))))
FOR_NOBODY = revision(persona=compiled("pirate", model=ModelChoice(use=("absent",))))
FOR_PRO = revision(persona=compiled("pirate", access=Access(tiers=("pro",))))
FOR_ONE = revision(persona=compiled("pirate", access=Access(owner_only=True)))
KEPT = revision(2)


def asked(**fields: Any) -> TurnRequest:
    return TurnRequest(items=(), **fields)


def pinned(number: int) -> Conversation:
    return Conversation(id="c", user_id="u", created_at=0, updated_at=0, persona="assistant", revision=number)


@pytest.mark.parametrize(
    ("request_", "alias", "told", "persona"),
    [
        (asked(), "small", "small", "assistant"),
        (asked(model="large"), "large", "large", "assistant"),
        (asked(model="persona:pirate"), "large", "persona:pirate", "pirate"),
        (asked(persona="pirate"), "large", "large", "pirate"),
    ],
)
async def test_names_and_defaults(request_: TurnRequest, alias: str, told: str, persona: str) -> None:
    """What is named answers; what is not named is the default, or the first alias that the persona allows."""
    choice = await catalogue(revision(), ONLY_LARGE).choose(actor(), request_, None)
    assert (choice.model.alias, choice.asked, choice.speaker.name) == (alias, told, persona)


@pytest.mark.parametrize(
    ("request_", "code", "says"),
    [
        (asked(model="smal"), "model_not_found", "Did you mean 'small'?"),
        (asked(persona="nobody"), "persona_not_found", "There are: assistant"),
        (asked(persona="assistant@9"), "persona_not_found", "no revision 9"),
        (asked(persona="assistant@x"), "invalid_value", "name@number"),
        (asked(model="persona:pirate", persona="assistant"), "invalid_value", "name one"),
        (asked(persona="sick"), "persona_invalid", "has errors: line 3"),
        (asked(persona="pirate", model="small"), "persona_model_mismatch", "it allows large"),
    ],
)
async def test_names_that_do_not_go_together(request_: TurnRequest, code: str, says: str) -> None:
    """Each mistake has its code, and the message says what would do."""
    with pytest.raises(Refused) as refused:
        await catalogue(revision(), ONLY_LARGE, broken={"sick": "line 3"}).choose(actor(Role.DEVELOPER), request_, None)
    assert refused.value.code == code
    assert says in refused.value.message


async def test_a_persona_without_a_model() -> None:
    """A persona all of whose aliases are absent cannot answer."""
    with pytest.raises(Refused) as refused:
        await catalogue(FOR_NOBODY).choose(actor(), asked(persona="pirate"), None)
    assert refused.value.code == "no_model_available"


def test_a_group_stands_for_its_aliases() -> None:
    """The order of the persona counts, and what is absent or named twice does not."""
    one = catalogue(FROM_A_GROUP, groups={"big": ["seeing", "small"]})
    (speaker,) = one.personas(actor())
    assert one.allowed(speaker) == ["seeing", "small"]
    assert one.reader(speaker) == "seeing"
    assert catalogue(ONLY_LARGE).reader(catalogue(ONLY_LARGE).personas(actor())[0]) is None


@pytest.mark.parametrize("closed", [FOR_PRO, FOR_ONE])
async def test_a_persona_for_others(closed: Any) -> None:
    """A persona for some tiers or for one owner refuses everyone else, but for operators."""
    with pytest.raises(Refused) as refused:
        await catalogue(closed).choose(actor(), asked(persona="pirate"), None)
    assert refused.value.code == "persona_not_allowed"
    assert (
        await catalogue(closed).choose(actor(Role.OPERATOR), asked(persona="pirate"), None)
    ).speaker.name == "pirate"
    assert (await catalogue(FOR_PRO).choose(actor(tier="pro"), asked(persona="pirate"), None)).speaker.name == "pirate"


async def test_a_revision_is_for_developers() -> None:
    """A user gets the live revision, or the one that their conversation began with; a developer gets any."""
    one = catalogue(kept=[KEPT])
    with pytest.raises(Refused) as refused:
        await one.choose(actor(), asked(persona="assistant@2"), None)
    assert refused.value.code == "persona_revision_forbidden"
    assert (await one.choose(actor(Role.DEVELOPER), asked(persona="assistant@2"), None)).speaker.number == 2
    for request_ in (asked(), asked(persona="assistant"), asked(persona="assistant@2")):
        assert (await one.choose(actor(), request_, pinned(2))).speaker.number == 2


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (asked(persona="assistant@2"), "persona_revision_forbidden"),
        (asked(model="persona:assistant@live"), "persona_revision_forbidden"),
        (asked(persona="pirate"), "persona_not_allowed"),
        (asked(persona="nobody"), "persona_not_found"),
        (asked(model="none"), "model_not_found"),
    ],
)
async def test_what_no_user_can_ask_for(request_: TurnRequest, code: str) -> None:
    """It is refused whoever asks for them, so that nothing is made for users that they could never use."""
    one = catalogue(revision(), FOR_ONE, kept=[KEPT])
    with pytest.raises(Refused) as refused:
        await one.check_for_users(actor(Role.OPERATOR), request_)
    assert refused.value.code == code


async def test_what_users_of_some_tier_can_ask_for() -> None:
    """Whether theirs is one of them is seen when they ask."""
    await catalogue(FOR_PRO).check_for_users(actor(Role.DEVELOPER), asked(persona="pirate"))
    await catalogue().check_for_users(actor(Role.DEVELOPER), asked(model="large"))


async def test_a_developer_may_name_a_label() -> None:
    """`@staging` is the revision that the label points at, and only for developers."""
    one = catalogue(kept=[KEPT])
    one.take({"assistant": Standing(labels={"live": 1, "staging": 2})}, [])
    choice = await one.choose(actor(Role.DEVELOPER), asked(persona="assistant@staging"), None)
    assert choice.speaker.number == 2
    for who, named, code in (
        (Role.USER, "assistant@staging", "persona_revision_forbidden"),
        (Role.USER, "assistant@draft", "persona_revision_forbidden"),
        (Role.DEVELOPER, "assistant@draft", "persona_not_found"),
    ):
        with pytest.raises(Refused) as refused:
            await one.choose(actor(who), asked(persona=named), None)
        assert refused.value.code == code


async def test_a_recalled_revision_is_gone() -> None:
    """A conversation that began with it is told so, and goes on with the live one once it names the persona."""
    one = catalogue(kept=[KEPT])
    one.take({"assistant": Standing(labels={"live": 1}, recalled={2})}, [])
    for who, request_ in ((Role.USER, asked()), (Role.OPERATOR, asked(persona="assistant@2"))):
        with pytest.raises(Refused) as refused:
            await one.choose(actor(who), request_, pinned(2))
        assert refused.value.code == "persona_recalled"
        assert refused.value.problem.status == 410
    assert (await one.choose(actor(), asked(persona="assistant"), pinned(2))).speaker.number == 1


async def test_a_rollout_gives_a_user_the_same_revision_everywhere() -> None:
    """Who is in the share gets its revision in answers and lists; a conversation keeps what it began with."""
    one = catalogue(kept=[KEPT])
    one.take({"assistant": Standing(labels={"live": 1}, rollout=[Share(2, 100)])}, [KEPT])
    assert (await one.choose(actor(), asked(), None)).speaker.number == 2
    assert [speaker.number for speaker in one.personas(actor())] == [2]
    assert (await one.choose(actor(), asked(), pinned(1))).speaker.number == 1
    one.take({"assistant": Standing(labels={"live": 1}, rollout=[Share(2, 1)])}, [])
    numbers = {(await one.choose(replace(actor(), user_id=f"u{n}"), asked(), None)).speaker.number for n in range(400)}
    assert numbers == {1, 2}


async def test_a_live_revision_answers_though_its_file_is_broken() -> None:
    """The errors of a file are told only where nothing is live."""
    one = catalogue(broken={"assistant": "line 3"})
    assert (await one.choose(actor(), asked(), None)).speaker.number == 1


def test_a_model_is_found_if_it_is_there() -> None:
    """What is no longer configured is not found."""
    assert (catalogue().find("small"), catalogue().find("gone")) == (catalogue().model("small"), None)
