"""An upstream's bytes in, batches out: chat chunks as server-sent events, decoded without an object per chunk of text.

Knows nothing of connections. Every `data:` line is one JSON document, as all providers send it, so an event counts as
soon as its line is whole. A finish reason is kept until the answer is over, because some providers send text after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NoReturn

import msgspec
from msgspec import Struct

from server.core.logprobs import Token
from server.core.ports import Aside, Batch, UpstreamFailed
from server.core.records import Usage

LINE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of one line, and of an answer that is one JSON document."""

_FINISHES: Final[Mapping[str, Literal["length", "content_filter"]]] = {
    "length": "length",
    "content_filter": "content_filter",
}
"""Every other reason is a stop: the answer is whole."""


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Said(Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    """The same under the name that some servers use."""
    tool_calls: Sequence[_Call] | None = None

    @property
    def has_more(self) -> bool:
        """Whether there is more than text."""
        return bool(self.tool_calls or self.reasoning_content or self.reasoning or self.refusal)


class _Logprobs(Struct):
    content: list[Token] | None = None


class _Choice(Struct):
    index: int | None = 0
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptDetails(Struct):
    cached_tokens: int | None = None


class _CompletionDetails(Struct):
    reasoning_tokens: int | None = None


class _Counts(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Chunk(Struct):
    choices: Sequence[_Choice] | None = None
    usage: _Counts | None = None
    error: Any = None


_MOST_TOKENS: Final = 10**9
"""Above this many, and below none, a provider's count is not believed."""
_decode = msgspec.json.Decoder(_Chunk).decode


class AnswerDecoder:
    """Decodes one answer. After it has raised, it is of no more use."""

    def __init__(self) -> None:
        self.complete = False
        """Whether the provider has said that nothing more comes."""
        self._tail = b""
        self._texts: list[str] = []
        self._asides: list[Aside] = []
        self._tokens: list[Token] = []
        self._produced = False
        self._finish: str | None = None
        self._usage: _Counts | None = None
        self._failure: UpstreamFailed | None = None

    @property
    def finished(self) -> bool:
        """Whether the provider has said why it finished, so that the text is whole."""
        return self._finish is not None

    def feed(self, data: bytes) -> Batch | None:
        """Return what `data` completes, joined; None if that is nothing.

        Raises `UpstreamFailed("upstream_broke_off")` if the provider reports an error or sends what cannot be read;
        text that came before it is returned first, and the next call raises.
        """
        if self._failure is not None:
            raise self._failure
        if self.complete:
            return None
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()
        try:
            for line in lines:
                if line.startswith(b"data:"):
                    self._event(line[5:])
            self._check_length(self._tail)
        except UpstreamFailed as failure:
            if not (self._texts or self._asides):
                raise
            self._failure = failure
        if self.complete and self._failure is None:
            return self._last()
        if self._asides or (self._tokens and self._texts):
            return Batch(self._text(), None, None, *self._more())
        return Batch(self._text()) if self._texts else None

    def end(self) -> Batch | None:
        """Return what is left, as no more bytes come. Raises `upstream_broke_off` if the answer is not whole."""
        if self._failure is not None:
            raise self._failure
        if self.complete:
            return None
        if self._tail.startswith(b"data:"):
            self._event(self._tail[5:])
        if self._finish is None:
            raise UpstreamFailed("upstream_broke_off", "The answer broke off.", elsewhere=False)
        self.complete = True
        return self._last()

    def document(self, data: bytes) -> Batch:
        """Return the answer that came as one JSON document, from a provider that does not stream."""
        self._event(data)
        if self._finish is None:
            self._fail("Its answer has no finish reason.")
        self.complete = True
        return self._last()

    def _event(self, data: bytes) -> None:
        if self.complete:
            return
        self._check_length(data)
        if data.strip() == b"[DONE]":
            if self._finish is None:
                self._fail("The answer broke off.")
            self.complete = True
            return
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._fail("It sent what is not a chat chunk.")
        if chunk.error:
            self._fail(_reported(chunk.error))
        if chunk.usage is not None:
            self._usage = chunk.usage
        for choice in chunk.choices or ():
            if not choice.index:
                self._choice(choice)

    def _choice(self, choice: _Choice) -> None:
        said = choice.delta or choice.message
        if said is not None:
            if said.content:
                self._texts.append(said.content)
                self._produced = True
            if said.has_more:
                self._asides += _asides(said)
                self._produced = True
        if choice.logprobs is not None and choice.logprobs.content:
            self._tokens += choice.logprobs.content
        self._finish = choice.finish_reason or self._finish

    @staticmethod
    def _fail(why: str) -> NoReturn:
        raise UpstreamFailed("upstream_broke_off", why, elsewhere=False)

    def _check_length(self, line: bytes) -> None:
        if len(line) > LINE_LIMIT:
            self._fail("It sent a line of over 4 MiB.")

    def _text(self) -> str:
        text = "".join(self._texts)
        self._texts.clear()
        return text

    def _last(self) -> Batch:
        usage = None if self._usage is None else _usage(self._usage, produced=self._produced)
        return Batch(self._text(), _FINISHES.get(self._finish or "") or "stop", usage, *self._more())

    def _more(self) -> tuple[Sequence[Aside], Sequence[Token]]:
        more = tuple(self._asides), tuple(self._tokens)
        self._asides.clear()
        self._tokens.clear()
        return more


def _asides(said: _Said) -> Iterator[Aside]:
    thought = said.reasoning_content or said.reasoning
    if thought:
        yield Aside(kind="reasoning", text=thought)
    if said.refusal:
        yield Aside(kind="refusal", text=said.refusal)
    for place, call in enumerate(said.tool_calls or ()):
        # Whole answers have their calls in order and without an index.
        number = place if call.index is None else call.index
        function = call.function or _Function()
        yield Aside(
            kind="function_call",
            text=function.arguments or "",
            call=number,
            call_id=call.id or "",
            name=function.name or "",
        )


def _usage(counts: _Counts, *, produced: bool) -> Usage | None:
    """Return what was counted; None if it is not the whole count, or cannot be, so that ours is charged."""
    if counts.prompt_tokens is None or counts.completion_tokens is None or (produced and not counts.completion_tokens):
        return None
    prompt, completion = counts.prompt_tokens_details, counts.completion_tokens_details
    found = (
        counts.prompt_tokens,
        counts.completion_tokens,
        (prompt and prompt.cached_tokens) or 0,
        (completion and completion.reasoning_tokens) or 0,
    )
    return Usage(*found) if all(0 <= count <= _MOST_TOKENS for count in found) else None


def _reported(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message else "The provider reported an error."
