"""What the doctor says of one thing that it looked at."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    text: str
    cure: str = ""


def of_version(version: str, known: str) -> Check:
    """Return what there is to say of a sound database that has `version`, to a program that makes `known`."""
    if version > known:
        why = f"Version {version} is newer than this program's {known}."
        return Check("database", "fail", why, "Update Parley.")
    if version < known:
        return Check("database", "warn", f"Version {version} is older than {known}.", "`parley migrate`, or a start.")
    return Check("database", "ok", f"It is sound and up to date (version {version}).")
