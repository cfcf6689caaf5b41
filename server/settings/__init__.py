"""What the operator decided: one frozen `Settings`, from the shipped defaults, `parley.yaml` and the environment.

The only place that reads the environment. `load` is pure but for the file it reads; `from_machine` looks around.
"""

import os
from pathlib import Path

from server.settings.load import CONFIG_FILE, load
from server.settings.model import Settings, file_schema
from server.settings.problems import ConfigError, ConfigProblem
from server.settings.sections import ModelEntry, Upstream
from server.settings.values import Address, without_password

__all__ = [
    "Address",
    "ConfigError",
    "ConfigProblem",
    "ModelEntry",
    "Settings",
    "Upstream",
    "file_schema",
    "from_machine",
    "load",
    "variable",
    "without_password",
]


def from_machine(config: Path | None = None) -> Settings:
    """Return the settings of this machine: `config`, else `PARLEY_CONFIG`, else `./parley.yaml`, else the defaults.

    Raises `ConfigError`. A file that was named must exist; `./parley.yaml` need not.
    """
    named = config or (Path(os.environ["PARLEY_CONFIG"]) if os.environ.get("PARLEY_CONFIG") else None)
    if named is None and Path(CONFIG_FILE).is_file():
        named = Path(CONFIG_FILE)
    return load(named, os.environ)


def variable(name: str) -> str | None:
    """Return what the environment says of `name`, None if nothing or an empty text."""
    return os.environ.get(name) or None
