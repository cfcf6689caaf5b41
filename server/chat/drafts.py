"""The prompts of one request, for every model that may serve it."""

import msgspec

from server.chat.catalogue import Speaker
from server.chat.prompts import Prompts, Written
from server.chat.threads import Thread
from server.core.errors import Refused
from server.core.functions import Format, Functions
from server.core.records import ImagePart, Model, Turn


class Drafts:
    """The prompts of one request, written at most once for each model that may serve it.

    `reader` is an alias that reads images, `caller` one that calls functions: named where another one is asked to.
    """

    def __init__(
        self,
        prompts: Prompts,
        speaker: Speaker,
        turn: Turn,
        thread: Thread,
        *,
        reader: str | None = None,
        caller: str | None = None,
    ) -> None:
        self._prompts = prompts
        self._speaker = speaker
        self._turn = turn
        self._thread = thread
        self._reader = reader
        self._caller = caller
        self._done: dict[str, Written] = {}

    def write(self, model: Model) -> Written:
        """Return the prompt for `model`. Raises `Refused` where there can be none."""
        if model.alias not in self._done:
            if self._turn.functions is not None and not model.tools:
                way_out = f"{self._caller!r} does" if self._caller else "ask without them"
                raise Refused(
                    "tools_not_supported", f"{model.alias!r} does not call functions; {way_out}.", param="tools"
                )
            if self.images:
                check_vision(model, self._reader)
            self._done[model.alias] = self._prompts.write(
                speaker=self._speaker,
                model=model,
                prompt=self._turn.prompt,
                history=self._thread.history,
                newest=self._thread.newest,
                wanted=self._turn.sampling.max_output_tokens,
                beside=beside(self._turn.functions, self._turn.sampling.format),
            )
        return self._done[model.alias]

    @property
    def images(self) -> int:
        """How many images the newest message brings."""
        return sum(isinstance(part, ImagePart) for part in self._thread.newest.parts)

    def unfit(self, model: Model) -> str | None:
        """Return why `model` cannot serve the request, or None if it can."""
        try:
            self.write(model)
        except Refused as refused:
            return refused.message
        return None


def check_vision(model: Model, reader: str | None) -> None:
    """Refuse images that are for a model that reads none; `reader` is an alias that does."""
    if not model.vision:
        way_out = f"{reader!r} does" if reader else "send text"
        raise Refused("vision_not_supported", f"{model.alias!r} does not read images; {way_out}.", param="input")


def beside(functions: Functions | None, wanted: Format | None) -> str:
    """Return what of functions and format the model reads: what a caller brings beside messages, and what counts."""
    brought = [*(functions.offered if functions is not None else ()), *([wanted] if wanted is not None else ())]
    return msgspec.json.encode(brought).decode() if brought else ""
