"""A persona with its ancestors, joined into one: what a child may add, what it may change, and what stays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from personas import locales
from personas.compiled import Compiled, Passage, same
from personas.front_matter import Json, Path
from personas.persona import Persona
from personas.problems import MAX_PROBLEMS, PersonaRefused, Problem, did_you_mean, near
from personas.sections import Section, heading_key
from personas.validation import nearest, validate

HOUSE = "house"
MAX_EXTENDS = 4

_OWN = ("spec", "name", "title", "summary", "extends")
"""Who a persona is; never inherited."""

_NARROWING: tuple[Path, ...] = (("access", "tiers"), ("access", "groups"), ("tools",), ("model", "use"))


def compose(
    persona: Persona, others: Mapping[str, Persona], *, groups: Mapping[str, Sequence[str]] | None = None
) -> Compiled:
    """Join `persona` with what it extends, found by name in `others`, under the `house` persona if there is one.

    `groups` are the deployment's names for several models: a model narrows a group that has it, and a group whatever
    has all of its models.

    Raises `PersonaRefused` for cycles, for more than four `extends` in a row, for a locked section that is replaced,
    for access, tools or models wider than a parent allows, and for dials that are not declared.
    """
    chain = _chain(persona, others)
    joined = _Joined(groups or {})
    for member in chain:
        joined.add(member)
    joined.check_locked()
    joined.check_dials()
    if joined.problems:
        raise PersonaRefused(joined.problems[:MAX_PROBLEMS])
    compiled = validate(Compiled, joined.compiled(), joined.locate)
    if misfits := [
        Problem(*joined.locate(path), "locales", message, cure) for path, message, cure in locales.misfits(compiled)
    ]:
        raise PersonaRefused(misfits[:MAX_PROBLEMS])
    house = tuple(Passage(heading=one.heading, text=one.text) for one in joined.house.values())
    return compiled.model_copy(update={"house": same(house)})


def _chain(persona: Persona, others: Mapping[str, Persona]) -> Sequence[Persona]:
    """Return the ancestors, the root first, and `persona` last."""
    chain = [persona]
    while (parent := chain[0].front.extends) is not None:
        child = chain[0]
        if child.name == HOUSE:
            raise _refused(child, "extends", "The house is the root and extends nothing.", "Remove `extends`.")
        if parent in {member.name for member in chain}:
            raise _refused(child, "extends", f"`{parent}` would extend itself.", "Break the circle.")
        if len(chain) > MAX_EXTENDS:
            message = f"This is the fifth `extends` in a row; {MAX_EXTENDS} are allowed."
            raise _refused(child, "extends", message, "Extend a persona nearer to the house.")
        if parent not in others:
            cure = did_you_mean(near(parent, list(others))).strip() or "Correct the name, or that persona's problems."
            raise _refused(child, "extends", f"There is no usable persona `{parent}`.", cure)
        chain.insert(0, others[parent])
    house = others.get(HOUSE)
    if chain[0].name != HOUSE and house is not None:
        chain.insert(0, house)
    return chain


def _refused(persona: Persona, field_name: str, message: str, cure: str) -> PersonaRefused:
    return PersonaRefused([Problem(persona.source, persona.line((field_name,)), field_name, message, cure)])


@dataclass
class _Joined:
    """What the ancestors so far come to."""

    groups: Mapping[str, Sequence[str]]
    fields: dict[str, Json] = field(default_factory=dict)
    house: dict[str, Section] = field(default_factory=dict)
    """The sections of the house in their order, by the keys of their headings."""
    body: dict[str, Section] = field(default_factory=dict)
    locked: dict[str, str] = field(default_factory=dict)
    """The name of the persona that locked a heading, by the heading's key."""
    members: list[Persona] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, child: Persona) -> None:
        """Join the next descendant."""
        self._check_narrowing(child)
        inherited = {key: value for key, value in self.fields.items() if key not in _OWN}
        if "locales" in inherited:
            inherited["locales"] = locales.passed_on(inherited["locales"], child.fields)
        self.fields = _merge(inherited, child.fields)
        _keep_locks(self.fields, inherited)
        for section in child.sections:
            self._add_section(section, child)
        for heading in child.front.bounds.locked:
            self.locked.setdefault(heading_key(heading), child.name)
        self.members.append(child)

    def locate(self, path: Path) -> tuple[str, int]:
        """Return the file and line of a field of the joined persona."""
        return self._where[nearest(self._where, path)]

    @cached_property
    def _where(self) -> Mapping[Path, tuple[str, int]]:
        """Where each field was written last. Asked for when all are joined, and something is wrong."""
        return {path: (one.source, line) for one in self.members for path, line in one.written.lines.items()}

    def compiled(self) -> Mapping[str, Json]:
        """Return what has been joined as the compiled form writes it, the house left out."""
        fields = {key: value for key, value in self.fields.items() if key != "extends"}
        body: list[Json] = [{"heading": one.heading, "text": one.text} for one in self.body.values()]
        return {**fields, "spec": "compiled/1", "house": [], "body": body}

    def check_locked(self) -> None:
        """Report locks on headings that nobody wrote."""
        present = self.house.keys() | self.body.keys()
        for member in self.members:
            for index, heading in enumerate(member.front.bounds.locked):
                if heading_key(heading) not in present:
                    line = member.line(("bounds", "locked", index))
                    message = f"There is no section `{heading}` to lock."
                    self._report(member.source, line, "locked", message, "Write it, or correct the heading.")

    def check_dials(self) -> None:
        """Report names of dials that nobody declared, and comparisons with free text."""
        dials = _at(self.fields, ("bounds", "dials"))
        declared = dials if isinstance(dials, dict) else {}
        for use in (use for member in self.members for use in member.uses if use.name.startswith("dials.")):
            if len(self.problems) >= MAX_PROBLEMS:
                return
            name = use.name.removeprefix("dials.")
            dial = declared.get(name)
            if dial is None:
                cure = did_you_mean(near(name, list(declared))).strip() or "Declare it under `bounds.dials`."
                self._report(use.path, use.line, "unknown_name", f"There is no dial `{name}`.", cure)
            elif use.compared and isinstance(dial, dict) and "text" in dial:
                message = f"`{use.name}` is free text and cannot be compared."
                self._report(use.path, use.line, "compared_text", message, "Ask only whether it is there.")

    def _check_narrowing(self, child: Persona) -> None:
        for path in _NARROWING:
            allowed = _at(self.fields, path)
            if isinstance(allowed, list) and _says(child.fields, path):
                wanted = _at(child.fields, path)
                within = self._models if path == ("model", "use") else _as_said
                extra = _wider(wanted, allowed, within) if isinstance(wanted, list) else ["all"]
                if extra:
                    name = ".".join(str(step) for step in path)
                    message = f"`{name}` is wider than what it extends allows: {', '.join(extra)}."
                    cure = f"Allowed: {', '.join(map(str, allowed)) or 'nothing'}."
                    self._report(child.source, child.line(path), "widens", message, cure)
        owner_only: Path = ("access", "owner_only")
        if _at(self.fields, owner_only) is True and _at(child.fields, owner_only) is False:
            message = "`access.owner_only` is wider than what it extends allows."
            self._report(child.source, child.line(owner_only), "widens", message, "Remove it.")

    def _models(self, name: Json) -> Sequence[Json]:
        """Return the models that an entry of `model.use` stands for."""
        return self.groups.get(name, (name,)) if isinstance(name, str) else (name,)

    def _add_section(self, section: Section, child: Persona) -> None:
        if section.key in self.locked:
            message = f"`{section.heading}` is locked by `{self.locked[section.key]}` and cannot be changed here."
            self._report(section.path, section.line, "locked_section", message, "Write under a heading of your own.")
            return
        # The opening has no heading to lock; the house's own stays because no child looks for it among the house's.
        key = section.key
        part = self.house if child.name == HOUSE or (key and key in self.house) else self.body
        if not section.text:
            part.pop(key, None)
            return
        if key or key in part:
            part[key] = section
            return
        # An opening stands first, also where the parent had none.
        following = dict(part)
        part.clear()
        part.update({key: section, **following})

    def _report(self, path: str, line: int, code: str, message: str, cure: str) -> None:
        self.problems.append(Problem(path, line, code, message, cure))


def _wider(wanted: Sequence[Json], allowed: Sequence[Json], within: Callable[[Json], Sequence[Json]]) -> list[str]:
    """Return what of `wanted` is more than `allowed`, where `within` says what a word stands for."""
    known = [*allowed, *(one for entry in allowed for one in within(entry))]
    return [str(item) for item in wanted if item not in known and not all(one in known for one in within(item))]


def _as_said(word: Json) -> Sequence[Json]:
    return (word,)


def _merge(parent: Mapping[str, Json], child: Mapping[str, Json]) -> dict[str, Json]:
    """Return both, mappings joined key by key; where both say something else, the child does."""
    merged = dict(parent)
    for key, value in child.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _keep_locks(merged: Mapping[str, Json], inherited: Mapping[str, Json]) -> None:
    """Put inherited locks back: the list of locks grows where other lists are replaced."""
    bounds = merged.get("bounds")
    before = _at(inherited, ("bounds", "locked"))
    if isinstance(bounds, dict) and isinstance(before, list):
        now = bounds.get("locked")
        bounds["locked"] = [*before, *(heading for heading in _items(now) if heading not in before)]


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _at(data: Mapping[str, Json], path: Path) -> Json:
    """Return the value at `path`, or None."""
    for step in path[:-1]:
        inner = data.get(str(step))
        if not isinstance(inner, dict):
            return None
        data = inner
    return data.get(str(path[-1]))


def _says(data: Mapping[str, Json], path: Path) -> bool:
    """Return whether there is a value at `path`, be it null."""
    inner = _at(data, path[:-1]) if path[:-1] else data
    return isinstance(inner, dict) and path[-1] in inner
