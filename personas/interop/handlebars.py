"""The templates of Dotprompt as templates of ours: variables and conditions, and nothing that computes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from personas.front_matter import Unreadable
from personas.interop.prose import joined, visible

_TAG = re.compile(r"\{\{\{[^{}]*\}\}\}|\{\{[^{}]*\}\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_BLOCK = re.compile(r"#(?P<word>if|unless)\s+(?P<name>[A-Za-z_][A-Za-z0-9_.]{0,63})")
_ROLE = re.compile(r"""role\s+["'](?P<role>\w+)["']""")
_COMMENT, _COMMENT_END = "{{!--", "--}}"
_SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Translated:
    """The text for the system, and how much was meant for others."""

    text: str
    others: int
    """Texts of other roles and places for the history."""


def translated(source: str, meaning: Callable[[str], str], *, first_line: int) -> Translated:
    """Translate `source`, where `meaning` returns our name for a variable or "".

    Raises `Unreadable`, with the line in the file, for whatever has no counterpart.
    """
    source = visible(_without_comments(source, first_line))
    reading = _Reading(meaning)
    position, text_start = 0, 0
    while match := _TAG.search(source, position):
        position = match.end()
        tag = match[0].strip("{}").strip("~ \t\n")
        if not tag.startswith("!"):
            line = first_line + source.count("\n", 0, match.start())
            reading.take(source[text_start : match.start()], tag, line)
        else:
            reading.add(source[text_start : match.start()], "")
        text_start = position
    reading.add(source[text_start:], "")
    reading.finish(first_line)
    return Translated(joined(reading.pieces), reading.others)


@dataclass(slots=True)
class _Reading:
    meaning: Callable[[str], str]
    pieces: list[tuple[str, str]] = field(default_factory=list)
    open_blocks: list[int] = field(default_factory=list)
    role: str = _SYSTEM
    others: int = 0

    def add(self, text: str, tag: str) -> None:
        """Keep text and tag if they are the system's."""
        if self.role == _SYSTEM:
            self.pieces.append((text, tag))
        elif text.strip():
            self.others += 1

    def take(self, text: str, tag: str, line: int) -> None:
        """Keep text, and the tag that follows it in our words."""
        role = _ROLE.fullmatch(tag)
        if role or tag == "history":
            if self.open_blocks:
                raise Unreadable(line, "tag", "Roles cannot change inside a condition.", "Close it before.")
            self.add(text, "")
            self.others += tag == "history"
            self.role = role["role"] if role else "history"
            return
        # What others say is left out, whatever it computes.
        self.add(text, self._ours(tag, line) if self.role == _SYSTEM else "")

    def finish(self, line: int) -> None:
        """Refuse a text whose conditions are open."""
        if self.open_blocks:
            raise Unreadable(self.open_blocks[-1] or line, "tag", "This condition has no end.", "Close it.")

    def _ours(self, tag: str, line: int) -> str:
        if block := _BLOCK.fullmatch(tag):
            self.open_blocks.append(line)
            negation = "not " if block["word"] == "unless" else ""
            return f"{{% if {negation}{self._named(block['name'], line)} %}}"
        if tag in {"/if", "/unless", "else"}:
            if not self.open_blocks:
                raise Unreadable(line, "tag", f"`{tag}` belongs to no condition.", "Remove it.")
            if tag != "else":
                self.open_blocks.pop()
            return "{% else %}" if tag == "else" else "{% endif %}"
        if _NAME.fullmatch(tag):
            return f"{{{{ {self._named(tag, line)} }}}}"
        message = f"`{tag[:40]}` has no counterpart: there are variables, `#if`, `#unless` and `else`."
        raise Unreadable(line, "tag", message, "Write the text without it.")

    def _named(self, name: str, line: int) -> str:
        ours = self.meaning(name)
        if not ours:
            cure = "Name variables in small letters, without dots, in at most 32 characters."
            raise Unreadable(line, "variable", f"There can be no variable `{name}`.", cure)
        return ours


def _without_comments(source: str, first_line: int) -> str:
    parts, position = list[str](), 0
    while (start := source.find(_COMMENT, position)) >= 0:
        end = source.find(_COMMENT_END, start)
        if end < 0:
            line = first_line + source.count("\n", 0, start)
            raise Unreadable(line, "tag", "This comment has no end.", "Close it with `--}}`.")
        # Lines keep their numbers.
        parts += [source[position:start], "\n" * source.count("\n", start, end)]
        position = end + len(_COMMENT_END)
    return "".join([*parts, source[position:]])
