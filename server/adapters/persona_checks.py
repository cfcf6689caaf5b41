"""What is known of persona files that were checked before, so that those that stay as they were are not read again.

It may be lost at any time: then everything is read once more.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

import personas

DEEPEST = 8
"""Folders in one another that are looked into; a link may lead in circles."""


class Checked(msgspec.Struct, frozen=True, array_like=True):
    """A persona whose files had no errors when they looked like this."""

    mark: str
    """Of its files; see `marks`."""
    extends: str | None
    digest: str
    """Of what they came to."""
    warnings: tuple[personas.Problem, ...] = ()


class Checks(msgspec.Struct, frozen=True):
    """All of them, by name. They hold under one `stamp`: what all personas depend on."""

    stamp: str = ""
    checked: dict[str, Checked] = {}

    def hold(self, name: str, marks: Mapping[str, str], steps: int = 8) -> Checked | None:
        """Return what is known of a persona, if neither its files nor those of what it extends have changed."""
        one = self.checked.get(name)
        if one is None or marks.get(name) != one.mark or not steps:
            return None
        return one if one.extends is None or self.hold(one.extends, marks, steps - 1) else None


_checks = msgspec.json.Decoder(Checks)


def read(file: Path) -> Checks:
    """Return what was written last; nothing if there is none or it cannot be read."""
    try:
        return _checks.decode(file.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return Checks()


def write(file: Path, checks: Checks) -> None:
    """Write it whole, or leave what there was: a disk that refuses costs a longer start."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        beside.write_bytes(msgspec.json.encode(checks))
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)


def marks(folder: Path) -> Mapping[str, str]:
    """Return for every entry of a folder, by its path, what changes with a name, a time or a size anywhere below it."""
    try:
        with os.scandir(folder) as entries:
            return {entry.path: _mark(entry) for entry in entries if not entry.name.startswith(".")}
    except OSError:
        return {}


def _mark(entry: "os.DirEntry[str]") -> str:
    return hashlib.blake2b(_facts(entry, DEEPEST).encode(errors="surrogateescape"), digest_size=12).hexdigest()


def _facts(entry: "os.DirEntry[str]", depth: int) -> str:
    """Return what tells that an entry changed; nothing where it cannot be looked at."""
    try:
        if not entry.is_dir():
            facts = entry.stat()
            return f"{entry.name}\0{facts.st_mtime_ns} {facts.st_size} {facts.st_ino}\0"
        if not depth:
            return ""
        with os.scandir(entry.path) as entries:
            inside = sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
            return f"{entry.name}/{''.join(_facts(one, depth - 1) for one in inside)}/"
    except OSError:
        return ""
