"""The terminal as `parley chat` sees it: messages in, text and notes out."""

import re
import sys
from contextlib import suppress
from typing import TextIO

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BLOCK = '"""'


class Lines:
    """Reads messages and writes answers. Notes go to `remarks`, so that a pipe gets the answers alone."""

    def __init__(self, source: TextIO, answers: TextIO, remarks: TextIO) -> None:
        self._source, self._answers, self._remarks = source, answers, remarks
        self.interactive = source.isatty()
        self._column = 0
        if self.interactive:
            with suppress(ImportError):
                import readline  # noqa: F401  input() edits lines and remembers them once this is loaded

    def message(self) -> str | None:
        r"""Return the next message; None at the end.

        A line that ends in a backslash goes on, and lines between two `\"\"\"` are one message.
        """
        line = self._line("> ")
        if line is None:
            return None
        if line.strip() == _BLOCK:
            return "\n".join(self._block())
        while line.endswith("\\"):
            more = self._line(". ")
            line = f"{line[:-1]}\n{more or ''}"
        return line

    def answer(self, text: str) -> None:
        """Write a piece of an answer at once, without what would command the terminal."""
        shown = _CONTROLS.sub("", text) if self._answers.isatty() else text
        self._answers.write(shown)
        self._answers.flush()
        self._column = len(shown.rpartition("\n")[2]) if "\n" in shown else self._column + len(shown)

    def finish(self) -> None:
        """End the line of an answer that did not end it."""
        if self._column:
            self._answers.write("\n")
            self._answers.flush()
            self._column = 0

    def note(self, text: str) -> None:
        """Write a line that is no part of an answer, after the answer."""
        self.finish()
        self._remark(text)

    def aside(self, text: str) -> None:
        """Write a line in the middle of an answer, which stays whole where it is not read on this terminal."""
        if self._answers.isatty():
            self.finish()
        self._remark(text)

    def _remark(self, text: str) -> None:
        grey, plain = ("\x1b[2m", "\x1b[0m") if self._remarks.isatty() else ("", "")
        self._remarks.write(f"{grey}{_CONTROLS.sub('', text)}{plain}\n")
        self._remarks.flush()

    def _block(self) -> list[str]:
        block: list[str] = []
        while (line := self._line(". ")) is not None and line.strip() != _BLOCK:
            block.append(line)
        return block

    def _line(self, prompt: str) -> str | None:
        if self.interactive and self._source is sys.stdin:
            try:
                return input(prompt)
            except EOFError:
                # The prompt stands at the beginning of a line that nobody ended.
                self._answers.write("\n")
                return None
        line = self._source.readline()
        return line.removesuffix("\n") if line else None
