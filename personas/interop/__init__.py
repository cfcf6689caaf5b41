"""Personas of other tools: read from their files, and written into them.

Each format is a module that knows two things: a document of its own as a `draft.Draft`, and an `outline.Outline` as a
document. What they share:

- `exchange`: which format it is, and the way in and out (`read`, `write`);
- `documents`, `card_png`, `charx`: bytes as documents, in bounded time and memory;
- `prose`: foreign text, so that nothing in it can act here;
- `persona_text`: a draft as a persona file, held to our limits;
- `leftovers`: what a persona cannot say, kept under `extensions` for the way back;
- `outline`: a persona's texts, rendered for another format.
"""

from personas.interop.exchange import FORMATS, Exported, Imported, read, write

__all__ = ["FORMATS", "Exported", "Imported", "read", "write"]
