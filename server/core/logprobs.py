"""Log probabilities of tokens, told no sooner than the text that they belong to. Pure."""

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct


class Likely(Struct, frozen=True):
    """A token that might have been written."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class Token(Struct, frozen=True):
    """A token that was written, and the most likely ones in its place."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[Likely] = []


_encode: Final = msgspec.json.Encoder().encode


class Withheld:
    """The tokens of one text that are not shown yet. `shown` is told the text as it is shown."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, str]] = deque()
        """Where each token ends, in bytes of the text, and what is told of it."""
        self._end = 0
        self._seen = 0

    def add(self, tokens: Sequence[Token]) -> None:
        """Take tokens that have come from the provider."""
        for token in tokens:
            written = _with_bytes(token)
            self._end += len(written.bytes or ())
            self._waiting.append((self._end, _encode(written).decode()))

    def shown(self, text: str) -> str:
        """Return what may be told of tokens now that `text` is shown too."""
        self._seen += len(text.encode("utf-8", "surrogatepass"))
        told = []
        while self._waiting and self._waiting[0][0] <= self._seen:
            told.append(self._waiting.popleft()[1])
        return ",".join(told)


def _with_bytes(token: Token) -> Token:
    """Return the token with its bytes, and those of the others, where the provider does not say them."""
    top = [Likely(one.token, one.logprob, _bytes(one)) for one in token.top_logprobs]
    return Token(token.token, token.logprob, _bytes(token), top)


def _bytes(token: Token | Likely) -> list[int]:
    return list(token.token.encode("utf-8", "surrogatepass")) if token.bytes is None else token.bytes
