"""Prompts for every model that may serve a request."""

import pytest

from server.chat.drafts import Drafts
from server.chat.threads import Thread
from server.core.errors import Refused
from server.core.records import ImagePart, Message, Part, TextPart
from tests.contracts.turn_records import a_turn
from tests.unit.server.chat.cast import MODELS, PROMPTS, actor, catalogue

TEXT = TextPart("What is this?")
IMAGE = ImagePart("sha256:00ff")


def drafts(*parts: Part, reader: str | None = None) -> Drafts:
    newest = Message(id="m", role="user", parts=parts, created_at=0)
    (speaker,) = catalogue().personas(actor())
    return Drafts(PROMPTS, speaker, a_turn(), Thread.of_path([newest]), reader=reader)


def test_a_prompt_is_written_once() -> None:
    """Asking again for the same model gives what was written before."""
    one = drafts(TEXT)
    assert one.write(MODELS["small"]) is one.write(MODELS["small"])
    assert one.unfit(MODELS["small"]) is None


@pytest.mark.parametrize(("reader", "way_out"), [("seeing", "'seeing' does"), (None, "send text")])
def test_an_image_for_a_model_that_reads_none(reader: str | None, way_out: str) -> None:
    """The refusal names the alias that reads images, if there is one."""
    with pytest.raises(Refused) as refused:
        drafts(TEXT, IMAGE, reader=reader).write(MODELS["small"])
    assert (refused.value.code, refused.value.message) == (
        "vision_not_supported",
        f"'small' does not read images; {way_out}.",
    )
    assert drafts(TEXT, IMAGE).unfit(MODELS["seeing"]) is None


def test_why_a_model_is_unfit() -> None:
    """The reason is what the refusal would say."""
    reason = drafts(TextPart("a" * 60_000)).unfit(MODELS["small"])
    assert reason
    assert "'small' takes" in reason
