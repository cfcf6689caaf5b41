"""The language of scripted answers: what an upstream id such as `scripted-t200-d20` makes the scripted upstream say.

Words are joined by `-`; those that are not known are names and say nothing.

| word | meaning |
| --- | --- |
| `t200` | 200 chunks, ` 0000` to ` 0199`, so that anything lost, repeated or swapped shows |
| `d20` | 20 ms between batches |
| `f100` | 100 ms before the first one |
| `w8` | 8 chunks in a batch |
| `echo` | the last user message, word for word |
| `calls` | calls each function that is offered; once it has their outputs, says those |
| `thinks` | thinks aloud before it answers |
| `refuses` | refuses |
| `say-good-day` | the words that follow, which ends the program |
| `err429` | fails with this status before anything is sent |
| `drop-at50` | the answer breaks off after 50 chunks |
| `stall-at50` | nothing more comes after 50 chunks |
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from server.core.records import Usage

THOUGHT: Final = "The user wants an answer."
REFUSAL: Final = "I cannot help with that."
DEMONSTRATION: Final = "This answer is scripted: it shows how answers arrive, and no model was asked."

_WORD = re.compile(r"(t|d|f|w|err|at)(\d{1,6})")
_CHUNK = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One answer, chunk by chunk; `None` as `chunks` repeats the last user message. Times in seconds."""

    chunks: Sequence[str] | None = ()
    delay: float = 0.0
    first: float = 0.0
    per_batch: int = 1
    status: int | None = None
    """Fails with this HTTP status before anything is sent."""
    breaks: Literal["drop", "stall"] | None = None
    breaks_at: int = 0
    """How many chunks come before it breaks."""
    calls: bool = False
    """Calls each function that is offered, and says the outputs."""
    thinks: bool = False
    refuses: bool = False
    finish: Literal["stop", "length", "content_filter"] = "stop"
    usage: Usage | None = None
    """What is reported; None counts a word of the prompt and a chunk of the answer as a token each."""


def parse(program: str) -> Script:
    """Return the script that `program` names."""
    script = Script(chunks=chunked(DEMONSTRATION))
    words = program.split("-")
    for at, word in enumerate(words):
        if word == "say":
            return replace(script, chunks=chunked(" ".join(words[at + 1 :]) or DEMONSTRATION))
        script = _with_word(script, word)
    return script


def _with_word(script: Script, word: str) -> Script:
    if word == "echo":
        return replace(script, chunks=None)
    if word in _FLAGS:
        return replace(script, **_FLAGS[word])
    if word in {"drop", "stall"}:
        return replace(script, breaks="drop" if word == "drop" else "stall")
    found = _WORD.fullmatch(word)
    return _NUMBERED[found[1]](script, int(found[2])) if found else script


_FLAGS: Final[Mapping[str, dict[str, Any]]] = {
    "calls": {"calls": True},
    "thinks": {"thinks": True},
    "refuses": {"refuses": True, "chunks": ()},
}

_NUMBERED: Final[Mapping[str, Callable[[Script, int], Script]]] = {
    "t": lambda script, number: replace(script, chunks=tuple(f" {index:04d}" for index in range(number))),
    "d": lambda script, number: replace(script, delay=number / 1000),
    "f": lambda script, number: replace(script, first=number / 1000),
    "w": lambda script, number: replace(script, per_batch=max(1, number)),
    "err": lambda script, number: replace(script, status=number),
    "at": lambda script, number: replace(script, breaks_at=number),
}


def chunked(text: str) -> tuple[str, ...]:
    """Return `text` cut before the white space of each word; joined again it is the same, byte for byte."""
    return tuple(_CHUNK.findall(text))


def after(chunks: Sequence[str], prefix: str) -> tuple[str, ...]:
    """Return the chunks that follow `prefix`, cut inside one if need be; all of them if they do not begin with it."""
    if not "".join(chunks).startswith(prefix):
        return tuple(chunks)
    left, out = len(prefix), []
    for chunk in chunks:
        if left < len(chunk):
            out.append(chunk[left:])
        left = max(0, left - len(chunk))
    return tuple(out)
