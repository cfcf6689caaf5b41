"""The part of a configuration that says what each user may use, read by itself: groups, tiers and the default tier."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from ratelimit.tiers import InvalidTiers, Tiers, parse_tiers
from server.settings import document
from server.settings.model import Settings
from server.settings.problems import ConfigError, ConfigProblem, dotted
from server.settings.problems import Path as KeyPath

KEYS: Final = ("groups", "tiers", "default_tier")
_MOST_BYTES: Final = 1_048_576


def policy_of(settings: Settings) -> dict[str, Any]:
    """Return the policy that the settings hold, as plain values."""
    return {
        "groups": {name: list(models) for name, models in settings.groups.items()},
        "tiers": {name: dict(lines) for name, lines in settings.tiers.items()},
        "default_tier": settings.default_tier,
    }


def read_policy(path: Path, settings: Settings) -> dict[str, Any]:
    """Return the policy in a file; what it leaves out is as in `settings`, and its other sections are not read.

    Raises `ConfigError` with every contradiction, its line and the way out.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError([ConfigProblem(str(path), "", "A policy is at most 1 MiB.", "Is this the right file?")])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cure = "Check its name, its permissions and that it is UTF-8 text."
        raise ConfigError([ConfigProblem(str(path), "", f"It cannot be read ({error}).", cure)]) from None
    read = document.parse(text, path.name)
    policy = policy_of(settings) | {key: read.values[key] for key in KEYS if key in read.values}
    try:
        tiers_of(policy, settings)
    except InvalidTiers as invalid:
        raise ConfigError(
            [
                ConfigProblem(
                    f"{path.name}:{_line(read.lines, error.path)}", dotted(error.path), error.message, error.cure
                )
                for error in invalid.errors
            ]
        ) from None
    return policy


def tiers_of(policy: Mapping[str, Any], settings: Settings) -> Tiers:
    """Return the tiers of a policy, over the models of `settings`. Raises `InvalidTiers`."""
    groups = policy.get("groups") or {}
    return parse_tiers(
        policy.get("tiers"),
        groups=groups if isinstance(groups, Mapping) else {},
        models=settings.models,
        default_tier=str(policy.get("default_tier")),
        priced=settings.prices(),
        everyone=settings.caps.everyone,
    )


def shown(policy: Mapping[str, Any]) -> str:
    """Return a policy as an operator would write it."""
    return yaml.safe_dump(dict(policy), sort_keys=False, allow_unicode=True, width=10_000)


def _line(lines: Mapping[KeyPath, int], path: tuple[str, ...]) -> int:
    return next((lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in lines), 1)
