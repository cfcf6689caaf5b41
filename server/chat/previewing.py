"""What a model would get of a text that is not yet a revision."""

from collections.abc import Mapping
from typing import Any

from personas import Compiled
from server.chat.catalogue import Speaker
from server.chat.persona_files import PersonaFiles
from server.chat.prompts import Prompts
from server.chat.releases import told
from server.core.errors import Refused
from server.core.ports import Clock
from server.core.records import Model


class Previewing:
    """Writes the beginning of a first prompt for operators; nothing is stored and nobody is asked."""

    def __init__(
        self,
        *,
        files: PersonaFiles,
        prompts: Prompts,
        models: Mapping[str, Model],
        default_model: str,
        clock: Clock,
    ) -> None:
        self._files, self._prompts, self._clock = files, prompts, clock
        self._models, self._default_model = models, default_model

    async def preview(self, persona: str, source: str, model: str | None) -> Mapping[str, Any]:
        """Return the messages that a model gets when somebody new says hello, ready for JSON. Raises `Refused`."""
        alias = model or self._default_model
        if alias not in self._models:
            raise Refused("model_not_found", f"There is no model {alias}.", param="model")
        linted = await self._files.lint(persona, source)
        if linted.draft is None:
            raise Refused(
                "persona_source_invalid",
                "A text with errors comes to no messages.",
                param="source",
                extra={"problems": [told(problem) for problem in linted.problems]},
            )
        compiled = Compiled.from_json(linted.draft.compiled)
        speaker = Speaker(compiled.name, 0, compiled.digest, compiled, 0)
        chosen = self._models[alias]
        messages = [
            {"role": line.role, "content": text, "tokens": self._prompts.count(text, chosen)}
            for line in self._prompts.opening(speaker, chosen, now=self._clock.now())
            for text in ["".join(getattr(part, "text", "") for part in line.parts)]
        ]
        return {
            "object": "persona.preview",
            "model": alias,
            "messages": messages,
            "tokens": sum(message["tokens"] for message in messages),
        }
