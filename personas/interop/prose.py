"""Foreign text on its way into a persona: cleaned, its variables translated, everything else made literal.

What comes out of here can be rendered without an error, whatever went in: the only tags in it are ours.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from personas.sections import heading_key, split
from personas.values import UNSEEN

MACRO = re.compile(r"\{\{\s{0,8}(?P<braced>[A-Za-z_][A-Za-z0-9_.]{0,63})\s{0,8}\}\}|<(?P<angled>[A-Za-z]{1,16})>")
_BRACE = re.compile(r"\{(?=[{%#])")
_BLANKS = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
_BREAKS = re.compile("\r\n|[\r\u2028\u2029]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_PASSES = 10
_MOST_SECTIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a format writes variables in its texts."""

    reads: Mapping[str, str] = field(default_factory=dict)
    """Our names by the words between double braces, in small letters; `<word>` for one between angle brackets."""
    writes: Mapping[str, str] = field(default_factory=dict)
    """What to write for our names; a name that is absent has no counterpart."""
    remarks: re.Pattern[str] | None = None
    """What stands for nothing: remarks and such like."""
    dials: bool = False
    """Whether the format has variables of its own, which are dials here."""


def visible(text: str) -> str:
    """Return `text` with newlines for all line ends and without characters that no reader would see."""
    return UNSEEN.sub("", _BREAKS.sub("\n", text))


def one_line(text: str, limit: int) -> str:
    """Return the visible text on one line, cut to `limit` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def literal(text: str) -> str:
    """Return `text` so that no tag begins in it."""
    return _BRACE.sub("{ ", text)


def joined(pieces: Sequence[tuple[str, str]]) -> str:
    """Return pieces of foreign text, each with the tag of ours that follows it, as one template."""
    written = []
    for text, tag in pieces:
        plain = literal(text)
        # A last brace would open another tag with the first one of ours.
        written.append(f"{plain} {tag}" if tag and plain.endswith("{") else plain + tag)
    return "".join(written)


def translated(text: str, dialect: Dialect, own: Mapping[str, str]) -> str:
    """Return `text` as a template of ours; `own` has the dials of the file's own variables."""
    text = visible(text)
    if dialect.remarks is not None:
        text = dialect.remarks.sub("", text)
    found = [(match, name) for match in MACRO.finditer(text) if (name := _meant(match, dialect.reads, own))]
    starts = [0, *(match.end() for match, _ in found)]
    pieces = [
        (text[start : match.start()], f"{{{{ {name} }}}}") for start, (match, name) in zip(starts, found, strict=False)
    ]
    return tidy(joined([*pieces, (text[starts[-1] :], "")]))


def plain(text: str, words: Mapping[str, str], dialect: Dialect) -> str:
    """Return a text that is no template here, with `words` for the variables that stand for our names."""

    def word(match: re.Match[str]) -> str:
        name = _meant(match, dialect.reads, {})
        return words.get(name, match[0])

    text = visible(text)
    if dialect.remarks is not None:
        text = dialect.remarks.sub("", text)
    for _ in range(_PASSES):
        before, text = text, MACRO.sub(word, text)
        if text == before:
            return tidy(text)
    return tidy(text.replace("{", "").replace("}", ""))


def tidy(text: str) -> str:
    """Return `text` as rendering would leave it: without blanks around it, and with one empty line at a time."""
    return _BLANKS.sub("\n\n", text).strip()


def divided(body: str, taken: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield heading and text of the opening and of each section of a translated body.

    A heading that no section may have (a repeated one, one that is `taken`, one with braces, one too many) becomes a
    smaller one in the section before.
    """
    seen = {heading_key(heading) for heading in taken}
    most = len(seen) + _MOST_SECTIONS
    heading, parts = "", list[str]()
    for section in split(_closed(body), path="", first_line=1):
        is_opening = section.line == section.text_line
        if is_opening:
            parts.append(section.text)
        elif not section.heading or "{" in section.heading or section.key in seen or len(seen) >= most:
            parts += [f"### {section.heading}" if section.heading else "", section.text]
        else:
            yield heading, _paragraphs(parts)
            heading, parts = section.heading, [section.text]
            seen.add(section.key)
    yield heading, _paragraphs(parts)


def flat(text: str) -> str:
    """Return a translated text without headings of the second level, to stand in one section."""
    parts = []
    for section in split(_closed(text), path="", first_line=1):
        parts += [f"### {section.heading}" if section.heading else "", section.text]
    return _paragraphs(parts)


def slug(title: str) -> str:
    """Return the name that a title gives: small letters, digits and single hyphens, never that of the house."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().casefold()
    name = re.sub(r"[^a-z0-9]+", "-", letters)[:64].strip("-")
    if name == "house":
        return "house-persona"
    return name or f"persona-{hashlib.sha256(title.encode(errors='surrogatepass')).hexdigest()[:8]}"


def _meant(match: re.Match[str], reads: Mapping[str, str], own: Mapping[str, str]) -> str:
    word = match["braced"]
    if word is None:
        return reads.get(f"<{match['angled'].casefold()}>", "")
    return own.get(word) or reads.get(word.casefold(), "")


def _paragraphs(parts: Sequence[str]) -> str:
    return tidy("\n\n".join(part for part in parts if part.strip()))


def _closed(text: str) -> str:
    """Return `text` with its last code fence closed, so that it swallows nothing that follows."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence and mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif mark and not fence:
            fence = mark[1]
    return f"{text}\n{fence}" if fence else text
