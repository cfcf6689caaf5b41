"""Personas whose instructions leave a model too little room for the conversation."""

from collections.abc import Iterator, Mapping, Sequence

from personas import Compiled, Problem
from server.chat.catalogue import Speaker, allowed_aliases
from server.chat.prompts import Prompts
from server.core.context import divide
from server.core.errors import Refused
from server.core.records import Model

SHARE = 2
"""Instructions should have at most half of the room for a prompt."""


class Weighing:
    """Counts what a persona says first, for each model that may answer for it."""

    def __init__(
        self,
        *,
        models: Mapping[str, Model],
        groups: Mapping[str, Sequence[str]],
        default_model: str,
        prompts: Prompts,
    ) -> None:
        self._models = models
        self._groups = groups
        self._default_model = default_model
        self._prompts = prompts

    def problems(self, compiled: Compiled, path: str) -> Iterator[Problem]:
        """Yield a warning for each model whose room the instructions fill by more than their share."""
        speaker = Speaker(compiled.name, 0, compiled.digest, compiled, 0)
        aliases = allowed_aliases(compiled, self._models, self._groups, self._default_model)
        for model in (self._models[alias] for alias in aliases):
            room = divide(model, None).prompt
            tokens = self._tokens(speaker, model)
            if tokens is None or tokens > room // SHARE:
                what = "do not fit" if tokens is None else f"are {tokens} tokens: more than half of"
                message = f"The instructions {what} the {room} that `{model.alias}` takes for a prompt."
                cure = "Shorten them, or name models with more room in `model.use`."
                yield Problem(path, 1, "too_heavy", message, cure, "warning")

    def _tokens(self, speaker: Speaker, model: Model) -> int | None:
        try:
            instructions = self._prompts.opening(speaker, model, now=0)[0]
        except Refused:
            return None
        return sum(self._prompts.count(getattr(part, "text", ""), model) for part in instructions.parts)
