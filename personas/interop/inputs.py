"""The variables of a prompt, collected while its template is read; each becomes a dial."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from personas.front_matter import Json, Unreadable
from personas.interop.draft import Variable
from personas.interop.openai import MAX_VARIABLES, snake
from personas.template import NAMES

_DIAL = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(slots=True)
class Inputs:
    """What a template asks for, with the `defaults` that its front matter declares."""

    defaults: Mapping[str, Json]
    variables: dict[str, Variable] = field(default_factory=dict)

    def meaning(self, word: str) -> str:
        """Return our name for a word of the template, "" if it can have none. Raises `Unreadable` for too many."""
        if word in NAMES:
            return word
        dial = snake(word)
        if "." in word or not _DIAL.fullmatch(dial):
            return ""
        if len(self.variables) >= MAX_VARIABLES and word not in self.variables:
            raise Unreadable(1, "too_many", f"The prompt has more than {MAX_VARIABLES} variables.", "Write them out.")
        default = self.defaults.get(word)
        self.variables[word] = Variable(dial, default if isinstance(default, str) else "")
        return f"dials.{dial}"
