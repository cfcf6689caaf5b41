"""What a client secret does to a request: it fills in what it is bound to, and lets nothing else be named. Pure."""

import hashlib
from dataclasses import replace

from server.chat.catalogue import PREFIX, split
from server.core.errors import Refused
from server.core.records import Actor
from server.core.requests import TurnRequest


def bound(actor: Actor, request: TurnRequest) -> TurnRequest:
    """Return the request as the actor may ask it. Raises `Refused` where it names another persona or model."""
    binding = actor.binding
    if binding is None:
        return request
    alias, persona = split(request.model, request.persona)
    if binding.persona is not None:
        if persona is not None and persona.partition("@")[0] != binding.persona:
            raise _for_another("persona", binding.persona)
        persona = persona or binding.persona
    if binding.model is not None:
        if alias not in {None, binding.model}:
            raise _for_another("model", binding.model)
        alias = binding.model
    model = alias if alias is not None or persona is None else f"{PREFIX}{persona}"
    return replace(request, model=model, persona=persona)


def told_apart(actor: Actor, request: TurnRequest) -> TurnRequest:
    """Return the request so that it counts as another one with another secret, where that changes the answer."""
    binding = actor.binding
    if not request.body_digest or binding is None:
        return request
    held_to = (binding.persona, binding.model, binding.instructions)
    if held_to == (None, None, None):
        return request
    said = repr((request.body_digest, *held_to)).encode("utf-8", "surrogatepass")
    return replace(request, body_digest=hashlib.sha256(said).hexdigest())


def _for_another(kind: str, name: str) -> Refused:
    return Refused("client_secret_bound", f"This client secret is for the {kind} {name!r} only.", param=kind)
