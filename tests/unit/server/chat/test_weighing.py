"""A persona that fills a model's prompt is told before its users feel it."""

from server.chat.weighing import Weighing
from server.core.records import Model
from tests.unit.server.chat.cast import PROMPTS, compiled


def model(alias: str, context: int) -> Model:
    return Model(alias=alias, upstreams=("mock",), upstream_id="m", context=context, max_output=100)


MODELS = {one.alias: one for one in (model("large", 90_000), model("tight", 2_100), model("tiny", 400))}
WEIGHING = Weighing(models=MODELS, groups={}, default_model="large", prompts=PROMPTS)


def test_half_of_the_room_is_the_conversations() -> None:
    """Each model that may answer and has too little room is named, with the figures; others are not."""
    told = [str(problem) for problem in WEIGHING.problems(compiled(), "a.md")]
    assert len(told) == 2
    assert told[0].startswith("a.md:1: warning: The instructions are ")
    assert "more than half of the 2000 that `tight` takes" in told[0]
    assert "do not fit the 300 that `tiny` takes" in told[1]


def test_models_that_a_persona_does_not_use_are_not_weighed() -> None:
    """What `model.use` leaves out has to have no room."""
    use = compiled().model.model_copy(update={"use": ("large",)})
    assert list(WEIGHING.problems(compiled(model=use), "a.md")) == []
