"""What differs between two revisions of a persona, as people read it. Pure."""

import difflib
import json
from collections.abc import Sequence

from server.core.ports_operator import Revision


def difference(old: Revision, new: Revision) -> str:
    """Return a unified diff from `old` to `new`, empty if they are the same.

    It is of the texts that were written. Where these are equal, or one of them was not kept, it is of what the
    revisions come to: then something above the persona has changed, the house or what it extends.
    """
    if old.digest == new.digest:
        return ""
    written = bool(old.source and new.source) and old.source != new.source
    before, after = (one.source.splitlines() if written else _composed(one) for one in (old, new))
    was, now = (f"{one.persona}@{one.number}" + ("" if written else " (composed)") for one in (old, new))
    return "\n".join(difflib.unified_diff(before, after, was, now, lineterm=""))


def _composed(revision: Revision) -> Sequence[str]:
    """Return the compiled form, a line for each line of its texts and for each of its other values."""
    text = json.dumps(json.loads(revision.compiled), indent=1, sort_keys=True, ensure_ascii=False)
    return text.replace("\\n", "\n").splitlines()
