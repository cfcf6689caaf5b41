"""What a format is: how its documents are told, read and written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from personas.front_matter import Json
from personas.interop import yaml_text
from personas.interop.documents import to_json
from personas.interop.draft import Draft, Object
from personas.interop.outline import Outline
from personas.interop.prose import Dialect


def json_bytes(document: Object) -> bytes:
    """Return a document as a JSON file."""
    return f"{to_json(document)}\n".encode()


def json_list_bytes(document: Object) -> bytes:
    """Return a document as a JSON file that lists it alone."""
    return f"{to_json([document])}\n".encode()


def front_matter_bytes(document: Object) -> bytes:
    """Return a document of `front` and `body` as a file."""
    front = document["front"]
    head = yaml_text.written(front) if isinstance(front, dict) and front else ""
    return f"---\n{head}---\n\n{document['body']}\n".encode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format. Documents are single: a file of several is taken apart before."""

    key: str
    """Its name under `extensions`."""
    file_name: str
    """What to call a file, with `{name}` for the persona's name."""
    fits: Callable[[Json], bool]
    read: Callable[[Object], Draft]
    write: Callable[[Outline], Object]
    normal: Callable[[Object], Object] = dict
    """Brings the shapes that a document may have to the one that `read` knows and `write` returns."""
    encode: Callable[[Object], bytes] = json_bytes
    dialect: Dialect = field(default_factory=Dialect)
    carries: frozenset[str] = frozenset()
    """The fields of a persona, besides its text, that the format has a place for."""
