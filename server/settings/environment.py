"""The environment's part in the configuration: `${VAR}` in a file, and `PARLEY_…` over it."""

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from server.settings.layers import Layer
from server.settings.problems import Finding, Path
from server.settings.values import Unset

PREFIX = "PARLEY_"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def substitute(values: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Finding]]:
    """Return `values` with each `${VAR}` replaced.

    An upstream that names a variable which is unset or empty becomes a disabled one; anywhere else that is a finding.
    """
    unset: list[tuple[Path, str]] = []

    def visit(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: visit(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [visit(inner, (*path, index)) for index, inner in enumerate(value)]
        if isinstance(value, str):
            unset.extend((path, name) for name in _VARIABLE.findall(value) if not environ.get(name))
            return _VARIABLE.sub(lambda match: environ.get(match[1], ""), value)
        return value

    replaced = visit(values, ())
    findings = []
    for path, name in unset:
        if path[0] == "upstreams" and len(path) > 2:  # noqa: PLR2004  upstreams, its name, its key
            replaced["upstreams"][path[1]] = {"disabled": Unset(f"{name} is not set")}
        else:
            findings.append(Finding(path, f"The variable {name} is not set.", f"Set {name}, or write the value here."))
    return replaced, findings


def overrides(
    environ: Mapping[str, str], below: Mapping[str, Any], known: Collection[str]
) -> tuple[Layer, list[Finding]]:
    """Return what `PARLEY_SECTION__KEY=value` variables say, to lie over `below`; `known` are the names of settings.

    Keys match without regard to case and with `_` for `-`. A value that begins like JSON is read as JSON. Variables
    that name no setting are left alone, but a near miss is a finding.
    """
    values: dict[str, Any] = {}
    origins: dict[Path, str] = {}
    findings = []
    for variable, text in sorted(_named(environ)):
        parts = variable.removeprefix(PREFIX).lower().split("__")
        if parts[0] not in known:
            if near := difflib.get_close_matches(parts[0], known, n=1, cutoff=0.8):
                cure = f"Did you mean {PREFIX}{near[0].upper()}?"
                findings.append(Finding((), "This variable is not a setting.", cure, variable))
            continue
        path = _spelled(parts, below)
        at = values
        for part in path[:-1]:
            at = at.setdefault(part, {})
        at[path[-1]] = _value(text)
        origins[path] = variable
    return Layer(values, origins, single=True), findings


def _named(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in environ.items() if name.startswith(PREFIX) and len(name) > len(PREFIX))


def _spelled(parts: list[str], below: Mapping[str, Any]) -> tuple[str, ...]:
    """Return `parts` as the layers below spell them."""
    path = []
    at: Any = below
    for part in parts:
        keys = at if isinstance(at, Mapping) else {}
        key = next((key for key in keys if re.sub(r"[^a-z0-9]", "_", key.lower()) == part), part)
        path.append(key)
        at = keys.get(key)
    return tuple(path)


def _value(text: str) -> Any:
    if text == "null":
        return None
    if text[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
