"""Who the assistant is: persona files, what they come to, and the messages a model gets.

The way of a persona, and the module of each step:

- `persona`: one file, read (`front_matter`, `fields`, `validation`, `sections`, `template`; `problems` tells what is
  wrong and where);
- `composition`: a file joined with what it extends, under the operator's house, to a `compiled.Compiled`;
- `fitting`: what of a file has no counterpart where it stands;
- `shelf`: folders of files, each read when it is asked for; `library`: all of them at once; `catalog/` has those that
  ship;
- `assembly`: a `Compiled`, a `session.Session` and messages (`messages`, `knowledge`, `values`) to an `Assembly`;
- `locales`: what people see of a persona in their own language;
- `alternation`: the same messages for upstreams that want roles to alternate.

Nothing here knows of a server, a database or a network; only `shelf` reads files.
"""

from personas.alternation import strict
from personas.assembly import Assembly, Portion, assemble, greetings
from personas.compiled import Compiled
from personas.composition import compose
from personas.library import CATALOG, Library
from personas.locales import wording
from personas.messages import Call, Image, Message, Output, Part, Text, with_context
from personas.persona import Persona, parse
from personas.problems import (
    InvalidDial,
    NotesRefused,
    PersonaRefused,
    Problem,
    UnknownGreeting,
    UnknownPersona,
)
from personas.session import Now, Session, User, settle_dials
from personas.shelf import Shelf, Shelved

__all__ = [
    "CATALOG",
    "Assembly",
    "Call",
    "Compiled",
    "Image",
    "InvalidDial",
    "Library",
    "Message",
    "NotesRefused",
    "Now",
    "Output",
    "Part",
    "Persona",
    "PersonaRefused",
    "Portion",
    "Problem",
    "Session",
    "Shelf",
    "Shelved",
    "Text",
    "UnknownGreeting",
    "UnknownPersona",
    "User",
    "assemble",
    "compose",
    "greetings",
    "parse",
    "settle_dials",
    "strict",
    "with_context",
    "wording",
]
