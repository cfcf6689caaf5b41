"""What the use cases need of the files that personas are written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import personas
from server.core.ports_operator import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the files came to."""

    drafts: Sequence[Draft]
    """Of all that was read: what is known to be as it was is not."""
    broken: Mapping[str, Sequence[personas.Problem]]
    """The errors of every persona that cannot be used."""
    problems: Sequence[personas.Problem]
    """Errors and warnings of all files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """What an edited text came to, beside the files that are there."""

    draft: Draft | None
    """None if the text has errors."""
    problems: Sequence[personas.Problem]


class PersonaFiles(Protocol):
    """The folders of persona files."""

    async def changed(self) -> bool:
        """Return whether a file of the operator may have changed since `read`. Looks only; cheap for the event loop."""

    async def read(self, held: Mapping[str, str]) -> Files:
        """Read and compose all files, but for those that are known to come to what `held` has, digests by persona."""

    async def lint(self, persona: str, source: str) -> Linted:
        """Compose `source` as if it stood in the file of this persona. Changes nothing."""
