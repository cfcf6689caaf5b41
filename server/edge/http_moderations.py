"""`/v1/moderations`: what this deployment's rules say of texts, before they are sent."""

from typing import Any, Final

from fastapi import APIRouter, Request

from server.core.errors import Refused
from server.core.ports import ScreenContext, Verdict
from server.edge.asked import LONGEST_ID
from server.edge.auth import CurrentActor, CurrentServices
from server.edge.body import read_object
from server.edge.fields import Fields, unsupported, wrong
from server.edge.shapes.bodies import ModerationBody, described

MODEL: Final = "parley-rules"
MOST_INPUTS: Final = 128
CATEGORIES: Final = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
"""OpenAI's, which clients expect; the rules here know none of them."""
OWN: Final = ("blocklist", "secret")

router = APIRouter(tags=["moderations"])


@router.post("/v1/moderations", openapi_extra=described(ModerationBody))
async def moderate(request: Request, actor: CurrentActor, services: CurrentServices) -> dict[str, Any]:
    """Say of each text whether it would be refused as input. Nothing is stored or charged."""
    fields = Fields(await read_object(request))
    fields.text("model", LONGEST_ID)
    context = ScreenContext(persona="", revision=0, tier=actor.tier, marker="")
    verdicts = [await services.moderator.check_input(text, context) for text in _texts(fields)]
    return {"id": services.ids.new("modr"), "model": MODEL, "results": [_result(one) for one in verdicts]}


def _texts(fields: Fields) -> list[str]:
    """Return what is to be judged: a text, texts one by one, or parts, which are judged as one text."""
    given = fields.given("input")
    if given is None:
        raise Refused("missing_field", "'input' is required.", param="input")
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_INPUTS:
        raise wrong("input", f"a string, or an array of 1 to {MOST_INPUTS} strings or parts")
    if all(isinstance(one, str) for one in given):
        return list(given)
    parts = fields.objects("input", MOST_INPUTS)
    for part in parts:
        if part.needed_text("type") != "text":
            raise unsupported(part.param("type"), "Judging anything but text is")
    return ["".join(part.needed_text("text") for part in parts)]


def _result(verdict: Verdict) -> dict[str, Any]:
    met = {name: name == verdict.category for name in (*CATEGORIES, *OWN)}
    return {
        "flagged": verdict.action == "stop",
        "categories": met,
        "category_scores": {name: float(here) for name, here in met.items()},
        "category_applied_input_types": {name: ["text"] for name in met},
    }
