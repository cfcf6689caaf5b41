"""Bodies of the Responses protocol to neutral requests. Pure.

Fields that the protocol knows but that change nothing here (`background`, `include` of what there is not, …) and fields
that it does not know are left out.
"""

from typing import Any

from server.core.errors import Refused
from server.core.records import Sampling
from server.core.requests import Item, TurnRequest
from server.edge import asked
from server.edge.asked import Asked, Delivery, Dialogue, System
from server.edge.fields import Fields, unsupported, wrong
from server.edge.functions import functions, repeated, text_format
from server.edge.json_in import digest
from server.edge.places import no_input, place


def parse(body: dict[str, Any], *, door: str, key: str | None = None) -> Asked:
    """Return what a create asks for. `key` is the `Idempotency-Key` header. Raises `Refused`, naming the field."""
    fields = Fields(body)
    stream_id = asked.stream_id(fields)
    where = place(fields, previous_id=fields.text("previous_response_id", asked.LONGEST_ID))
    generate = fields.flag("generate") is not False
    items, steering = _input(fields, generate=generate and where.regenerate is None)
    if where.regenerate is not None:
        no_input(items, "input")
    persona, dials = _prompt(fields)
    offered = functions(fields, nested=False)
    request_id = asked.request_id(fields, key)
    request = TurnRequest(
        items=items,
        model=fields.text("model", asked.LONGEST_ID),
        persona=persona,
        dials=dials,
        steering=steering,
        notes=fields.text("notes"),
        previous_id=where.previous_id,
        conversation=where.conversation,
        parent=where.parent,
        regenerate=where.regenerate,
        greeting=fields.whole("greeting", 0),
        store=fields.flag("store") is not False,
        sampling=Sampling(
            temperature=fields.number("temperature", 0, 2),
            top_p=fields.number("top_p", 0, 1),
            max_output_tokens=fields.whole("max_output_tokens", 1),
            format=text_format(fields),
            logprobs=_logprobs(fields),
        ),
        functions=offered,
        background=_background(fields),
        when_capped=asked.when_capped(fields),
        generate=generate,
        client_request_id=request_id,
        body_digest=digest(body) if request_id else "",
        door=door,
        echo=_echo(fields) | repeated(offered) | ({"background": True} if _background(fields) else {}),
    )
    return Asked(request, Delivery(stream_id=stream_id, stream=fields.flag("stream") is True))


def _input(fields: Fields, *, generate: bool) -> Dialogue:
    given = fields.given("input")
    if isinstance(given, str):
        messages = [Fields({"role": "user", "content": given}, "input")]
    elif given is None:
        if generate:
            raise Refused("missing_field", "'input' is required.", param="input")
        messages = []
    else:
        messages = fields.objects("input", asked.MOST_ITEMS)
    found = [one for item in messages if (one := said(item)) is not None]
    return asked.dialogue(found, "input", fields.text("instructions"), generate=generate)


def said(item: Fields) -> Item | System | None:
    """Return what an item says; None for one that is not sent to models again."""
    match item.text("type"):
        case None | "message":
            return asked.message(item)
        case "function_call":
            return Item("assistant", (asked.call(item.needed_text("call_id", asked.LONGEST_ID), item),))
        case "function_call_output":
            return asked.output(item, "call_id", "output")
        case "reasoning":
            return None
        case kind:
            raise unsupported(item.param("type"), f"Input of type '{str(kind)[:64]}' is")


def _prompt(fields: Fields) -> tuple[str | None, dict[str, str]]:
    """Return the persona that `prompt` names, if it names one, and its dials."""
    prompt = fields.inner("prompt")
    name, version = prompt.text("id", asked.LONGEST_ID), prompt.text("version", asked.LONGEST_ID)
    if version and not name:
        raise Refused("missing_field", "'prompt.version' needs 'prompt.id'.", param="prompt.id")
    persona = name.removeprefix("persona:") + (f"@{version}" if version else "") if name else None
    return persona, asked.dials(prompt, "variables")


def _background(fields: Fields) -> bool:
    wanted = fields.flag("background") is True
    if wanted and fields.flag("store") is False:
        raise wrong("background", "absent where 'store' is false: nobody could come back to the answer")
    return wanted


def _logprobs(fields: Fields) -> int | None:
    """Return how many likely tokens are told beside each; None if nothing is."""
    top = fields.whole("top_logprobs", 0, asked.MOST_LIKELY)
    include = fields.given("include")
    included = isinstance(include, list) and "message.output_text.logprobs" in include
    return (top or 0) if included or top else None


def _echo(fields: Fields) -> dict[str, Any]:
    """Return what the answer repeats, without what is absent; sampling is repeated as it was in force."""
    repeated = {
        "instructions": fields.text("instructions"),
        "metadata": fields.texts("metadata", most=16) or None,
        "max_tool_calls": fields.whole("max_tool_calls", 0),
        "truncation": fields.choice("truncation", ("auto", "disabled")),
        "top_logprobs": fields.whole("top_logprobs", 0, asked.MOST_LIKELY),
        "reasoning": _reasoning(fields.inner("reasoning")),
        "parallel_tool_calls": fields.flag("parallel_tool_calls"),
        "user": fields.text("user", 512),
        "safety_identifier": fields.text("safety_identifier", 512),
        "prompt_cache_key": fields.text("prompt_cache_key", 512),
    }
    return {name: value for name, value in repeated.items() if value is not None}


def _reasoning(fields: Fields) -> dict[str, Any] | None:
    """Return what is repeated of `reasoning`. `summary` says how thoughts are shown; nothing else has an effect."""
    effort, summary = fields.text("effort", asked.LONGEST_ID), fields.text("summary", asked.LONGEST_ID)
    return {"effort": effort, "summary": summary} if effort or summary else None
