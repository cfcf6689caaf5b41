"""How screening looks at a character: as it is, without what readers do not see, or as a bare letter or digit.

Each view is a function of one character, so that what it makes of a text never depends on how the text was cut.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

Kind = Literal["word", "space", "other"]

# Scripts that put no space between words; their syllables must stay composed, or a syllable would begin like another.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_LOOKALIKES = str.maketrans(
    "\u0430\u0441\u0435\u04bb\u0456\u0458\u043e\u0440\u051b\u0455\u051d\u0445\u0443"
    "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u0131\u0251\u0261",
    "acehijopqswxyaikvopiag",
)
_UNSEEN_MARKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


@lru_cache(maxsize=4096)
def kind_of(char: str) -> Kind:
    """Return whether `char` is a part of a word, a space, or neither.

    Characters of scripts that put no space between words are neither, so a word boundary is on both sides of each.
    """
    if char.isspace():
        return "space"
    if _UNSPACED.match(char):
        return "other"
    return "word" if char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M" else "other"


def as_is(char: str) -> str:
    """Return `char`, or one blank for any kind of space."""
    return " " if char.isspace() else char


@lru_cache(maxsize=4096)
def folded(char: str) -> str:
    """Return `char` without case, compatibility forms and the commonest look-alikes; nothing if it is not seen.

    Look-alikes are small Cyrillic and Greek letters that are drawn as Latin ones.
    """
    if char.isspace():
        return " "
    if unicodedata.category(char) in {"Cf", "Cc"} or _UNSEEN_MARKS.match(char):
        return ""
    form: Literal["NFKC", "NFKD"] = "NFKC" if _UNSPACED.match(char) else "NFKD"
    return unicodedata.normalize(form, char).casefold().translate(_LOOKALIKES)


def bare(char: str) -> str:
    """Return the letters and digits of `folded(char)`; separators of any kind give nothing."""
    return "".join(seen for seen in folded(char) if seen.isalnum())
