"""Everything an operator can set, in one frozen value."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

import ratelimit
from ratelimit.adaptive import Rule, parse_adaptive
from ratelimit.tiers import Tiers, parse_tiers
from server.core.pictures import UNKNOWN
from server.core.records import Model
from server.settings.sections import (
    AuthSection,
    CapsSection,
    DoorsSection,
    ModelEntry,
    RetentionSection,
    ScreeningSection,
    Section,
    TurnsSection,
    Upstream,
)
from server.settings.values import ClusterAddress, DatabaseAddress, ListenAddress, Network, Origin, WebAddress

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
"""A name that people write: letters, digits and . _ / - after the first."""


class Settings(Section):
    """The effective configuration. `load` has checked it: every name in it stands for something."""

    data: Path
    """The folder that holds the SQLite database; with PostgreSQL nothing in it must survive."""
    database: DatabaseAddress
    """Where conversations live: `sqlite`, inside the data folder, or the URI of a PostgreSQL database."""
    cluster: ClusterAddress
    """What several nodes share beside the database: `none`, or the address of a Valkey or Redis."""
    listen: ListenAddress
    """Where the server listens."""
    public_url: WebAddress | None
    """The address that people see, behind a proxy."""
    trusted_proxies: tuple[Network, ...]
    """Networks whose `X-Forwarded-For` is believed."""
    allowed_origins: tuple[Origin, ...]
    """Other sites whose pages may connect from a browser."""
    turns: TurnsSection
    """How a running answer is kept."""
    upstreams: Mapping[Name, Upstream] = Field(min_length=1)
    """The providers of answers, by name."""
    models: Mapping[Name, ModelEntry] = Field(min_length=1)
    """The aliases that clients, personas and caps name."""
    default_model: str
    """The alias that answers when nobody names one."""
    default_persona: str
    """The persona that answers when nobody names one."""
    titles: str | None
    """The alias that writes titles of conversations; null takes the first words of the first message."""
    personas: tuple[Path, ...]
    """Folders of personas, added to those that are shipped; the same name wins, that of the house included."""
    groups: Mapping[Name, tuple[str, ...]]
    """Names for several aliases, for tiers and personas."""
    tiers: Mapping[Name, Mapping[str, Any]] = Field(min_length=1)
    """What each user may use; docs/limits.md has the language."""
    default_tier: str
    """The tier of users who were given none."""
    caps: CapsSection
    """How caps are held."""
    adaptive: Mapping[str, Any]
    """What demand may change, by group or model; docs/limits.md has the language."""
    auth: AuthSection
    """Who may come in without a key."""
    doors: DoorsSection
    """How often and how much at once anybody may come to one node."""
    retention: RetentionSection
    """How long what is stored is kept."""
    screening: ScreeningSection
    """What is checked in messages and answers."""

    def models_catalogue(self) -> dict[str, Model]:
        """Return every alias as the engine knows it, in the order of the file.

        Disabled upstreams are left out: an alias may have none left, and then cannot serve.
        """
        return {alias: self._model(alias, entry) for alias, entry in self.models.items()}

    def warnings(self) -> list[str]:
        """Return what the operator should know though it stops nothing."""
        lines = [f"Upstream {name} is disabled: {up.disabled}." for name, up in self.upstreams.items() if up.disabled]
        for alias, model in self.models_catalogue().items():
            if not model.upstreams:
                lines.append(f"Model {alias} cannot answer: all its upstreams are disabled.")
        return lines

    def tier_table(self) -> Tiers:
        """Return the tiers in the form that limits are enforced by."""
        return parse_tiers(
            self.tiers,
            groups=self.groups,
            models=self.models,
            default_tier=self.default_tier,
            priced=self.prices(),
            everyone=self.caps.everyone,
        )

    def prices(self) -> dict[str, ratelimit.Price]:
        """Return the prices of the models that have one; what is answered on this machine costs nothing."""
        found = {}
        for alias, entry in self.models.items():
            if entry.price is not None:
                found[alias] = ratelimit.Price.of_dollars(input=entry.price.input, output=entry.price.output)
            elif all(self.upstreams[name].is_here for name in entry.served_by if name in self.upstreams):
                found[alias] = ratelimit.Price(input=0, output=0)
        return found

    @property
    def embedded_database(self) -> bool:
        """Whether the database is SQLite in the data folder, which one process has for itself."""
        return self.database == "sqlite"

    @property
    def clustered(self) -> bool:
        """Whether nodes share a Valkey or Redis."""
        return self.cluster != "none"

    def adaptive_rules(self) -> tuple[Rule, ...]:
        """Return what demand may change, in the form in which it is followed."""
        return parse_adaptive(self.adaptive, groups=self.groups, tiers=self.tier_table())

    def masked(self) -> dict[str, Any]:
        """Return the settings as plain values with every secret as asterisks."""
        return self.model_dump(mode="json")

    def _model(self, alias: str, entry: ModelEntry) -> Model:
        enabled = tuple(name for name in entry.served_by if self.upstreams[name].disabled is None)
        return Model(
            alias=alias,
            upstreams=enabled,
            upstream_id=entry.id or alias,
            context=entry.context,
            max_output=entry.max_output,
            vision=entry.vision,
            image_tokens=entry.image_tokens.rule if entry.image_tokens else UNKNOWN,
            tools=entry.tools,
            prefill=entry.prefill,
            roles=entry.roles,
            system_role=entry.system_role,
            tokens=entry.tokens,
            demonstration=any(self.upstreams[name].embedded for name in entry.served_by),
        )


def file_schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration file, in which every section may be absent."""
    schema = Settings.model_json_schema()
    schema.pop("required")
    return schema | {"title": "parley.yaml", "description": "The configuration of Parley; all of it is optional."}
