"""Bodies of the Chat Completions protocol to neutral requests. Pure.

Ours, beside OpenAI's fields: `persona`, `dials`, `notes`, `conversation`, `parent`, `regenerate`, `greeting`,
`when_capped`, `client_request_id`.
"""

from typing import Any, Final

from server.core.errors import Refused
from server.core.records import RefusalPart, Sampling
from server.core.requests import Item, TurnRequest
from server.edge import asked
from server.edge.asked import Asked, Delivery, System
from server.edge.fields import Fields, unsupported, wrong
from server.edge.functions import chat_format, functions
from server.edge.json_in import digest
from server.edge.places import no_input, place

_MOST_STOPS: Final = 4
_SEEDS: Final = 2**63


def parse(body: dict[str, Any], *, door: str, key: str | None = None) -> Asked:
    """Return what the body asks for. `key` is the `Idempotency-Key` header. Raises `Refused`, naming the field."""
    fields = Fields(body)
    stream_id = asked.stream_id(fields)
    _refuse_unsupported(fields)
    where = place(fields)
    again = where.regenerate is not None
    if fields.given("messages") is None and not again:
        raise Refused("missing_field", "'messages' is required.", param="messages")
    messages = [] if fields.given("messages") is None else fields.objects("messages", asked.MOST_ITEMS)
    items, steering = asked.dialogue([_said(one) for one in messages], "messages", None, generate=not again)
    if again:
        no_input(items, "messages")
    persona = fields.text("persona", asked.LONGEST_ID)
    request_id = asked.request_id(fields, key)
    request = TurnRequest(
        items=items,
        model=fields.text("model", asked.LONGEST_ID),
        persona=persona.removeprefix("persona:") if persona else None,
        dials=asked.dials(fields, "dials"),
        steering=steering,
        notes=fields.text("notes"),
        conversation=where.conversation,
        parent=where.parent,
        regenerate=where.regenerate,
        greeting=fields.whole("greeting", 0),
        store=fields.flag("store") is True,
        sampling=_sampling(fields),
        functions=functions(fields, nested=True),
        when_capped=asked.when_capped(fields),
        client_request_id=request_id,
        body_digest=digest(body) if request_id else "",
        door=door,
        echo=_echo(fields),
    )
    delivery = Delivery(
        stream_id=stream_id,
        stream=fields.flag("stream") is True,
        include_usage=fields.inner("stream_options").flag("include_usage") is True,
    )
    return Asked(request, delivery)


def _sampling(fields: Fields) -> Sampling:
    newer, older = fields.whole("max_completion_tokens", 1), fields.whole("max_tokens", 1)
    return Sampling(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        max_output_tokens=older if newer is None else newer,
        stop=_stop(fields),
        seed=fields.whole("seed", -_SEEDS, _SEEDS - 1),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
        presence_penalty=fields.number("presence_penalty", -2, 2),
        format=chat_format(fields),
        logprobs=_logprobs(fields),
    )


def _logprobs(fields: Fields) -> int | None:
    """Return how many likely tokens are told beside each; None if nothing is."""
    top = fields.whole("top_logprobs", 0, asked.MOST_LIKELY)
    if fields.flag("logprobs") is True:
        return top or 0
    if top:
        raise wrong("top_logprobs", "absent where 'logprobs' is not true")
    return None


def _said(message: Fields) -> Item | System:
    match message.needed_text("role"):
        case "tool":
            return asked.output(message, "tool_call_id", "content")
        case "function":
            raise unsupported(message.param("role"), "The role 'function' (send 'tool') is")
        case "assistant" if message.given("tool_calls") or message.given("refusal"):
            words = message.given("content") is not None
            refusal = message.text("refusal")
            calls = message.objects("tool_calls", asked.MOST_PARTS) if message.given("tool_calls") is not None else []
            made = [asked.call(one.needed_text("id", asked.LONGEST_ID), one.inner("function")) for one in calls]
            return Item(
                "assistant",
                (
                    *(asked.parts(message) if words else ()),
                    *((RefusalPart(refusal),) if refusal else ()),
                    *made,
                ),
            )
        case _:
            if message.given("function_call"):
                raise unsupported(message.param("function_call"), "Calls outside of 'tool_calls' are")
            return asked.message(message)


def _stop(fields: Fields) -> tuple[str, ...]:
    given = fields.given("stop")
    stops = [] if given is None else given if isinstance(given, list) else [given]
    if len(stops) > _MOST_STOPS or not all(isinstance(stop, str) and stop for stop in stops):
        raise wrong("stop", f"a string or an array of at most {_MOST_STOPS} strings, none of them empty")
    return tuple(stops)


def _refuse_unsupported(fields: Fields) -> None:
    if fields.given("functions"):
        raise unsupported("functions", "Functions outside of 'tools' are")
    fields.only("function_call", "auto", "none")
    fields.only("n", 1)
    fields.only("logit_bias", {})
    fields.only("modalities", ["text"])
    fields.only("audio")


def _echo(fields: Fields) -> dict[str, Any]:
    """Return what a stored completion repeats, without what is absent."""
    repeated = {"metadata": fields.texts("metadata", most=16) or None, "user": fields.text("user", 512)}
    return {name: value for name, value in repeated.items() if value is not None}
