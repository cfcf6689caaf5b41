"""Values as YAML that people read, and that `front_matter` reads back as the same values."""

from collections.abc import Mapping
from typing import Any

import yaml

from personas.front_matter import Json

_WIDTH = 10**6
"""Lines are the author's; nothing is folded."""


def written(data: Mapping[str, Json]) -> str:
    """Return a mapping as block YAML; longer texts stand as blocks."""
    return yaml.dump(
        dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Write the same value twice rather than refer to it."""
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002  # theirs
        """Indent lists below their key."""
        del indentless
        super().increase_indent(flow, indentless=False)


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # Numbers are told apart by our reader in other ways than by this writer: only words may go bare.
    style = "|" if "\n" in text else None if text[:1].isalpha() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
