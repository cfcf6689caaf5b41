"""The sections of `parley.yaml`: what may stand in each, with its default and its meaning."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from server.core.pictures import ImageTokens, Patches, Tiles
from server.core.signatures import key_of
from server.settings.values import Duration, Unset, WebAddress, only, parse_duration


class Section(BaseModel):
    """Frozen, and refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Timeouts(Section):
    """How long to wait for an upstream."""

    connect: Duration = parse_duration("5s")
    """For the connection."""
    first_token: Duration = parse_duration("2m")
    """From the request to the first words."""
    idle: Duration = parse_duration("1m")
    """Between two pieces of an answer."""
    total: Duration = parse_duration("15m")
    """For a whole answer."""


def _found_unset(value: Any) -> Any:
    if value is None or isinstance(value, Unset):
        return value
    raise ValueError("This key is not for files. Remove the upstream, or leave its variable unset.")


class Upstream(Section):
    """A provider of answers: exactly one of `base_url`, `embedded` and `scripted`."""

    base_url: WebAddress | None = None
    """An OpenAI-compatible endpoint, with its `/v1`."""
    api_key: SecretStr | None = None
    """The key for `base_url`; written as `${VAR}`."""
    timeouts: Timeouts = Timeouts()
    """How long to wait."""
    retries: int = Field(default=2, ge=0, le=10)
    """How often a call that failed before its first words is tried again here."""
    embedded: Literal["smollm2-135m-instruct"] | None = None
    """The small demonstration model that comes with Parley."""
    scripted: bool = False
    """Answers from a script, for tests and load runs; never a model."""
    disabled: SkipJsonSchema[Annotated[str | None, BeforeValidator(_found_unset)]] = None
    """Why it is not used: the `${VAR}` that is not set. Nobody writes it."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [self.base_url is not None, self.embedded is not None, self.scripted]
        if self.disabled is None and sum(kinds) != 1:
            raise ValueError("An upstream needs exactly one of base_url, embedded and scripted.")
        return self

    @property
    def is_here(self) -> bool:
        """Whether it answers on this machine, for nothing."""
        return self.embedded is not None or self.scripted

    @property
    def kind(self) -> Literal["openai", "embedded", "scripted", "disabled"]:
        """Which backend serves it."""
        if self.disabled is not None:
            return "disabled"
        if self.embedded is not None:
            return "embedded"
        return "scripted" if self.scripted else "openai"


class Price(Section):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    """What a million tokens of prompt cost."""
    output: float = Field(ge=0)
    """What a million tokens of answer cost."""


class ImageCount(Section):
    """How many tokens an image is: `base` and `per_tile` of 512 pixels, or at most `patches` of 32, `times` each."""

    base: int | None = Field(default=None, ge=0)
    """What every image counts."""
    per_tile: int | None = Field(default=None, ge=0)
    """What each square of 512 pixels counts beside it."""
    patches: int | None = Field(default=None, ge=1)
    """How many squares of 32 pixels are counted at most."""
    times: float = Field(default=1.0, gt=0)
    """What each of them counts."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        tiles, patches = (self.base, self.per_tile), self.patches
        if (None in tiles) == (patches is None) or (patches is not None and tiles != (None, None)):
            raise ValueError("image_tokens needs `base` and `per_tile`, or `patches`.")
        return self

    @property
    def rule(self) -> ImageTokens:
        """The rule, as it counts."""
        if self.base is None or self.per_tile is None:
            return Patches(self.patches or 1, self.times)
        return Tiles(self.base, self.per_tile)


class ModelEntry(Section):
    """An alias: what clients, personas and caps name. Exactly one of `upstream` and `upstreams`."""

    upstream: str | None = None
    """The upstream that serves it."""
    upstreams: tuple[str, ...] = ()
    """Several upstreams, in the order in which they are tried."""
    id: str | None = None
    """What the upstream calls the model; the alias itself if absent. Clients never see it."""
    context: int = Field(ge=256)
    """Tokens of prompt and answer together."""
    max_output: int | None = Field(default=None, ge=1)
    """The most tokens of one answer; absent leaves it to the upstream."""
    vision: bool = False
    """Whether it reads images."""
    image_tokens: ImageCount | None = None
    """How it counts images; absent counts as the newest models do."""
    tools: bool = True
    """Whether it calls functions that clients offer."""
    prefill: bool = False
    """Whether it continues a trailing assistant message byte for byte, so that a broken answer can go on."""
    roles: Literal["free", "strict"] = "free"
    """`strict` where the chat template wants user and assistant in turn."""
    system_role: Literal["system", "developer"] = "system"
    """What the upstream calls the operator's role."""
    tokens: Literal["o200k_base", "cl100k_base"] = "o200k_base"
    """The token table that counts for it; the nearest one for other families."""
    price: Price | None = None
    """What its tokens cost you, for caps in money."""

    @model_validator(mode="after")
    def _served(self) -> Self:
        if (self.upstream is None) == (not self.upstreams):
            raise ValueError("A model needs `upstream: name` or `upstreams: [first, second]`, one of the two.")
        if self.max_output is not None and self.max_output >= self.context:
            raise ValueError("max_output must be smaller than context, which holds the prompt too.")
        return self

    @property
    def served_by(self) -> tuple[str, ...]:
        """The upstreams, in the order in which they are tried."""
        return self.upstreams if self.upstream is None else (self.upstream,)


class TurnsSection(Section):
    """How a running answer is kept."""

    lease: Duration = parse_duration("10s")
    """After this time without a sign of life another process may take an answer over."""
    linger: Duration = parse_duration("10m")
    """How long an answer goes on when nobody follows it."""
    drain: Duration = parse_duration("20s")
    """How long answers go on when the server is told to stop; then another node, or the next start, takes them over."""


IfAway = Literal["local", "closed", "open"]
CountedUnit = Literal["messages", "tokens", "cost", "images", "at_once"]


def _signing(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        key_of(secret.get_secret_value())
    return secret


class CapsSection(Section):
    """How caps are held."""

    lease: Duration = parse_duration("10s")
    """After this time a crashed process gives back what it held."""
    estimate: Literal["p95", "max"] = "p95"
    """What is set aside for an answer's tokens: what most answers need, or the most that one can (never overshoots)."""
    if_store_fails: IfAway | Mapping[CountedUnit, IfAway] = "local"
    """What happens while `cluster` cannot be reached, for all caps or by what they count."""
    everyone: Mapping[str, Any] = {}
    """What all users together may use, in the language of tiers."""
    entitlement_secret: Annotated[SecretStr | None, AfterValidator(_signing)] = None
    """What a payment system signs its messages to `/hooks/entitlements` with; null takes none."""

    def if_away(self) -> dict[str, IfAway]:
        """Return what happens to each unit while the shared ledger cannot be reached."""
        given = self.if_store_fails
        units: dict[CountedUnit, str] = {unit: unit for unit in get_args(CountedUnit)}
        units["at_once"] = "concurrent-requests"
        return {name: given if isinstance(given, str) else given.get(unit, "local") for unit, name in units.items()}

    def entitlement_key(self) -> bytes | None:
        """Return the key of these signatures."""
        return None if self.entitlement_secret is None else key_of(self.entitlement_secret.get_secret_value())


_NO_OIDC = "Signing in through a provider is not available yet. Write null and make keys: `parley keys create`."


class AuthSection(Section):
    """Who may come in without a key."""

    anonymous: str | None = None
    """The tier of people without an account; null lets nobody in."""
    oidc: Annotated[None, BeforeValidator(only(None, _NO_OIDC))] = None
    """An identity provider; null is off."""


class DoorsSection(Section):
    """How often and how much at once anybody may come to one node, beside what caps say."""

    requests_per_minute: int | None = Field(default=6_000, ge=1)
    """Requests and frames of one user; null is unbounded."""
    wrong_keys_per_minute: int | None = Field(default=30, ge=1)
    """Keys from one network that are none; null is unbounded."""
    sockets_per_user: int = Field(default=64, ge=1)
    """WebSockets of one user."""
    sockets_per_network: int = Field(default=1_024, ge=1)
    """WebSockets from one network."""


class RetentionSection(Section):
    """How long what is stored is kept."""

    conversations: Duration | None = None
    """How long a conversation is kept that nobody uses; null keeps it for ever."""

    @field_validator("conversations")
    @classmethod
    def _long_enough(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(hours=1):
            raise ValueError("Keep conversations for an hour or more: answers may run for that long.")
        return value


class ScreeningSection(Section):
    """What is checked in messages and answers."""

    blocklist: tuple[str, ...] = ()
    """Phrases that neither a message nor an answer may contain; case does not matter."""
