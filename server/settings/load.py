"""From shipped defaults, a file and the environment to `Settings`, or to a list of problems with their lines."""

import difflib
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ratelimit.tiers import InvalidTiers
from server.settings import contradictions, document, environment
from server.settings.layers import Layer, Layered
from server.settings.model import Settings
from server.settings.problems import ConfigError, ConfigProblem, Finding, dotted
from server.settings.problems import Path as KeyPath

CONFIG_FILE = "parley.yaml"
_SHIPPED = Path(__file__).with_name("shipped.yaml")
_SHIPPED_ORIGIN = "the shipped defaults"
_MAX_BYTES = 1_048_576
_SEE = "docs/configuration.md says what may stand here."


def load(config: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings that `config` (None: no file) and `environ` make of the shipped defaults.

    Relative paths in a file are relative to its folder, all others to the working directory. Raises `ConfigError`
    with every problem that could be found.
    """
    layered = Layered()
    shipped = document.parse(_SHIPPED.read_text(encoding="utf-8"), _SHIPPED.name)
    layered.lay(Layer(shipped.values, dict.fromkeys(shipped.lines, _SHIPPED_ORIGIN)))
    findings: list[Finding] = []
    if config is not None:
        file = document.parse(_read(config), config.name)
        values, findings = environment.substitute(file.values, environ)
        origins = {path: f"{config.name}:{line}" for path, line in file.lines.items()}
        layered.lay(Layer(_anchored(values, config.parent), origins))
    overriding, misses = environment.overrides(environ, layered.values, Settings.model_fields)
    layered.lay(overriding)
    findings += misses
    try:
        settings = Settings.model_validate(layered.values)
    except ValidationError as error:
        findings += [_finding(detail) for detail in error.errors(include_url=False)]
        raise ConfigError(_located(findings, layered)) from None
    findings += contradictions.find(settings)
    findings += _tiers(settings)
    if findings:
        raise ConfigError(_located(findings, layered))
    return settings


def _read(config: Path) -> str:
    try:
        if config.stat().st_size > _MAX_BYTES:
            cure = "Is this the right file?"
            raise ConfigError([ConfigProblem(str(config), "", "A configuration is at most 1 MiB.", cure)])
        return config.read_text(encoding="utf-8")
    except FileNotFoundError:
        cure = "Check --config and PARLEY_CONFIG, or leave them out to use the defaults."
        raise ConfigError([ConfigProblem(str(config), "", "There is no such file.", cure)]) from None
    except (OSError, UnicodeDecodeError) as error:
        cure = "Check its permissions and that it is UTF-8 text."
        raise ConfigError([ConfigProblem(str(config), "", f"It cannot be read ({error}).", cure)]) from None


def _anchored(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return `values` with the paths of its file made relative to `folder`."""

    def anchor(value: Any) -> Any:
        return str(folder / Path(value).expanduser()) if isinstance(value, str) else value

    anchored: dict[str, Any] = {"data": anchor(values["data"])} if "data" in values else {}
    if isinstance(values.get("personas"), list):
        anchored["personas"] = [anchor(value) for value in values["personas"]]
    return values | anchored


def _tiers(settings: Settings) -> Iterator[Finding]:
    try:
        settings.adaptive_rules()
    except InvalidTiers as invalid:
        for error in invalid.errors:
            yield Finding(error.path, _sentence(error.message), _sentence(error.cure))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def _finding(detail: ErrorDetails) -> Finding:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    match detail["type"]:
        case "extra_forbidden":
            allowed = _fields(Settings, path[:-1])
            near = difflib.get_close_matches(str(path[-1]), allowed, n=1)
            cure = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(allowed)}."
            return Finding(path, "This key is not known.", cure)
        case "missing":
            return Finding(path, "This key is missing.", "Add it; docs/configuration.md says what it means.")
        case "value_error":
            return Finding(path, str(detail["ctx"]["error"]), "")
        case "dict_type" | "model_type":
            return Finding(path, "This is made of `key: value` lines.", _SEE)
        case "tuple_type" | "list_type" | "set_type" | "frozen_set_type":
            return Finding(path, "This is a list: [one, another].", _SEE)
        case _:
            return Finding(path, f"{detail['msg']}.".replace("Input should be", "This should be"), _SEE)


def _fields(model: type[BaseModel], path: KeyPath) -> Sequence[str]:
    """Return the names of the fields of the section at `path` below `model`."""
    here: Any = model
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = _section(here.model_fields[str(part)].annotation)
        else:
            here = _section(get_args(here)[-1])
    return list(here.model_fields)


def _section(annotation: Any) -> Any:
    """Return the section in `annotation` where it may also be null."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return next(arg for arg in get_args(annotation) if arg is not types.NoneType)
    return annotation


def _located(findings: Sequence[Finding], layered: Layered) -> list[ConfigProblem]:
    problems = [_problem(finding, finding.where or layered.where(finding.path)) for finding in findings]
    return sorted(problems, key=_line)


def _line(problem: ConfigProblem) -> int:
    line = problem.where.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0


def _problem(finding: Finding, where: str) -> ConfigProblem:
    cure = finding.cure
    if where == _SHIPPED_ORIGIN:
        # The operator replaced a section that shipped ones lean on: the line to change is one that is not written yet.
        cure = f"Write `{finding.path[0]}` in your configuration too. {cure}"
    return ConfigProblem(where, dotted(finding.path), finding.message, cure)
