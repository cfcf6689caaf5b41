"""Turns whose owner is gone are asked again, where their model can continue what was shown."""

from typing import Any

import pytest

from server.chat.adopting import Adopting
from server.core.context import PER_MESSAGE
from server.core.records import Message, TextPart
from tests.contracts.turn_records import a_turn
from tests.unit.server.chat.cast import PROMPTS, QUESTIONS, catalogue

PATH = [Message(id="msg_1", role="user", parts=(TextPart("Tell me a story."),), created_at=0)]
ADOPTING = Adopting(catalogue=catalogue(), prompts=PROMPTS, questions=QUESTIONS)


async def test_what_was_shown_is_continued() -> None:
    """A model that continues a text is asked the same question, with what was shown as the answer's beginning."""
    question = await ADOPTING.question_again(a_turn(model="large"), PATH, "Once upon")
    assert question is not None
    assert (question.call.model.alias, question.call.prefix, question.call.user_tag) == ("large", "Once upon", "USER_1")
    assert question.call.messages[-1].parts[-1] == TextPart("Tell me a story.")


@pytest.mark.parametrize("changes", [{"model": "small"}, {"model": "gone"}, {"model": "large", "revision": 7}], ids=str)
async def test_what_cannot_be_continued_is_not_asked(changes: dict[str, Any]) -> None:
    """A model that begins anew, a model that is gone and a revision that is gone continue nothing."""
    assert await ADOPTING.question_again(a_turn(**changes), PATH, "Once upon") is None


async def test_a_path_that_is_gone_is_not_asked() -> None:
    """Nothing is asked where the question was deleted."""
    assert await ADOPTING.question_again(a_turn(model="large"), [], "Once upon") is None


async def test_a_path_that_no_longer_fits_is_not_asked() -> None:
    """A prompt that cannot be written ends the turn; it does not fail."""
    long = [Message(id="msg_1", role="user", parts=(TextPart("a" * 95_000),), created_at=0)]
    assert await ADOPTING.question_again(a_turn(model="large"), long, "Once upon") is None


def test_tokens_are_estimated_by_the_table_of_the_model() -> None:
    """A turn that is not continued costs about its messages, and nothing by a table that is unknown."""
    assert ADOPTING.estimate(a_turn(model="small"), PATH) == len("Tell me a story.") + PER_MESSAGE
    assert ADOPTING.estimate(a_turn(model="gone"), PATH) == 0


def test_text_is_counted_even_if_the_model_is_gone() -> None:
    """A token is taken for four characters where the table is unknown."""
    assert (ADOPTING.count(a_turn(model="small"), "abcdefgh"), ADOPTING.count(a_turn(model="gone"), "abcdefgh")) == (
        8,
        2,
    )
