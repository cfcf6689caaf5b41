"""What of a persona has no counterpart in the place where it stands: warnings, since it can answer all the same."""

from collections.abc import Callable, Collection, Iterator

from personas.persona import Persona
from personas.problems import Problem, did_you_mean, near


def misfits(persona: Persona, *, has: Callable[[str], bool], models: Collection[str] | None) -> Iterator[Problem]:
    """Yield a warning for a picture that is not there, and for each model that is not known.

    `has` says whether there is a file at a path inside the persona's folder; `models` are the deployment's models and
    groups, None if they are not known.
    """
    avatar = persona.front.avatar
    if avatar is not None and avatar.isascii() and not has(avatar):
        message = f"There is no picture `{avatar}` in the persona's folder."
        yield _warning(persona, ("avatar",), "avatar", message, "Put it there, or use an emoji.")
    for index, name in enumerate(persona.front.model.use or ()):
        if models is not None and name not in models:
            message = f"There is no model or group `{name}` here, and it is passed over."
            cure = did_you_mean(near(name, list(models))).strip() or "Configure it, or remove it."
            yield _warning(persona, ("model", "use", index), "unknown_model", message, cure)


def _warning(persona: Persona, path: tuple[str | int, ...], code: str, message: str, cure: str) -> Problem:
    line = persona.line(path)
    return Problem(persona.source, line, code, message, cure, "warning")
