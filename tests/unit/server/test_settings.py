"""The configuration: what is shipped, how a file and the environment change it, and how mistakes are told."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from server.settings import ConfigError, Settings, file_schema, from_machine, load
from server.settings.sections import Section

EXAMPLE = """\
data: ./data
database: sqlite
cluster: none
listen: 127.0.0.1:8000
public_url: null
trusted_proxies: []
allowed_origins: []
turns: { lease: 10s, linger: 10m }

upstreams:
  local:  { embedded: smollm2-135m-instruct }
  openai: { base_url: https://api.openai.com/v1, api_key: ${OPENAI_API_KEY} }
models:
  local:      { upstream: local, context: 4096, prefill: true, roles: strict }
  gpt-4:      { upstream: openai, id: gpt-5.5, context: 128000, vision: true, price: { input: 2.50, output: 10.00 } }
  gpt-4-mini: { upstreams: [openai, local], id: gpt-5.4-mini, context: 128000 }
default_model: gpt-4-mini
default_persona: assistant
titles: null
personas: [./personas]

groups: { premium: [gpt-4], standard: [gpt-4-mini, local] }
tiers:
  free: { standard: 40 messages / 3h, premium: 5 messages / 24h, when_capped: use standard, at_once: 1 }
  plus: { gpt-4: 50 messages / 3h, standard: unlimited, tokens: 2M / 24h, when_capped: use standard, at_once: 3 }
  pro:  { extends: plus, gpt-4: 250 messages / 3h, tokens: 20M / 24h, at_once: 8 }
default_tier: free
caps: { lease: 10s, estimate: p95, if_store_fails: local }
auth:
  anonymous: null
  oidc: null
"""


def read(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that a file with this text makes."""
    config = tmp_path / "parley.yaml"
    config.write_text(text, encoding="utf-8")
    return load(config, environ or {})


def problems(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the lines in which a file with this text is refused."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, environ)
    return str(caught.value).splitlines()


def test_without_a_file_the_embedded_model_answers() -> None:
    """The shipped settings have one upstream and one model, `local`, which says that it is a demonstration."""
    settings = load(None, {})
    (model,) = settings.models_catalogue().values()
    assert (model.alias, model.upstreams, model.demonstration) == ("local", ("local",), True)
    assert (model.context, model.max_output, model.prefill, model.roles) == (4096, 512, True, "strict")
    assert not model.tools
    assert list(settings.tiers) == ["free", "plus", "pro"]
    assert settings.tiers["free"]["standard"] == "40 messages / 3h"
    assert settings.listen == ("127.0.0.1", 8000)
    assert settings.warnings() == []


def test_the_documented_example_is_accepted_whole(tmp_path: Path) -> None:
    """Every key of the documented example is known, `${VAR}` inside braces included."""
    settings = read(tmp_path, EXAMPLE, {"OPENAI_API_KEY": "sk-upstream"})
    key = settings.upstreams["openai"].api_key
    assert key is not None
    assert key.get_secret_value() == "sk-upstream"
    assert settings.models_catalogue()["gpt-4"].upstream_id == "gpt-5.5"
    assert settings.turns.linger == timedelta(minutes=10)
    assert settings.warnings() == []


@pytest.mark.parametrize("environ", [{}, {"OPENAI_API_KEY": ""}])
def test_an_unset_variable_disables_its_upstream_with_a_warning(tmp_path: Path, environ: dict[str, str]) -> None:
    """A missing key is no start failure: the upstream is left out and the operator is told."""
    settings = read(tmp_path, EXAMPLE, environ)
    assert settings.upstreams["openai"].kind == "disabled"
    catalogue = settings.models_catalogue()
    assert catalogue["gpt-4"].upstreams == ()
    assert catalogue["gpt-4-mini"].upstreams == ("local",)
    assert settings.warnings() == [
        "Upstream openai is disabled: OPENAI_API_KEY is not set.",
        "Model gpt-4 cannot answer: all its upstreams are disabled.",
    ]


def test_nobody_switches_an_upstream_off_by_the_name_of_its_state(tmp_path: Path) -> None:
    """What says why an upstream is not used is no setting, in the environment and for editors neither."""
    environ = {"OPENAI_API_KEY": "k", "PARLEY_UPSTREAMS__OPENAI__DISABLED": "tired"}
    (line,) = problems(tmp_path, EXAMPLE, environ)
    assert line.startswith("PARLEY_UPSTREAMS__OPENAI__DISABLED: upstreams.openai.disabled: This key is not for files.")
    assert "disabled" not in file_schema()["$defs"]["Upstream"]["properties"]


def test_an_unset_variable_elsewhere_is_refused(tmp_path: Path) -> None:
    """Outside of upstreams nothing can be left out, so the line of the variable is named."""
    (line,) = problems(tmp_path, "listen: 127.0.0.1:1\npublic_url: http://${HOST}:${PORT}/\n", {"PORT": "80"})[:1]
    assert line.startswith("parley.yaml:2: public_url: The variable HOST is not set.")


def test_some_sections_replace_the_shipped_value_and_others_merge(tmp_path: Path) -> None:
    """`tiers` of a file is all there is; `caps` keeps the shipped keys that the file does not name."""
    settings = read(tmp_path, "tiers: { only: { local: unlimited } }\ndefault_tier: only\ncaps: { estimate: max }\n")
    assert list(settings.tiers) == ["only"]
    assert settings.caps.estimate == "max"
    assert settings.caps.lease == timedelta(seconds=10)


def test_paths_of_a_file_are_relative_to_its_folder(tmp_path: Path) -> None:
    """A configuration means the same wherever the command is started."""
    settings = read(tmp_path, "data: ./here\npersonas: [mine, /srv/personas]\n")
    assert settings.data == tmp_path / "here"
    assert settings.personas == (tmp_path / "mine", Path("/srv/personas"))


def test_the_environment_overrides_single_values(tmp_path: Path) -> None:
    """`PARLEY_…` wins over the file, reaches nested keys, and leaves their neighbours."""
    environ = {
        "PARLEY_LISTEN": "[::1]:9000",
        "PARLEY_DATA": "/srv/data",
        "PARLEY_TURNS__LINGER": "1h",
        "PARLEY_MODELS__GPT_4__CONTEXT": "64000",
        "PARLEY_ALLOWED_ORIGINS": '["https://chat.example.org"]',
        "PARLEY_PUBLIC_URL": "null",
        "OPENAI_API_KEY": "k",
        "PARLEY_SOMETHING_ELSE": "left alone",
    }
    settings = read(tmp_path, EXAMPLE.replace("public_url: null", "public_url: https://chat.example.org"), environ)
    assert settings.listen == ("::1", 9000)
    assert str(settings.listen) == "[::1]:9000"
    assert settings.data == Path("/srv/data")
    assert settings.turns.linger == timedelta(hours=1)
    assert settings.turns.lease == timedelta(seconds=10)
    assert settings.models["gpt-4"].context == 64000
    assert settings.models["gpt-4"].vision
    assert settings.allowed_origins == ("https://chat.example.org",)
    assert settings.public_url is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\nlisten: 80000", "parley.yaml:2: listen: 80000 is not an address. Write host:port, such as"),
        ("\n\ndefualt_model: x", "parley.yaml:3: defualt_model: This key is not known. Did you mean default_model?"),
        ("retention:\n  conversations: 59m", "parley.yaml:2: retention.conversations: Keep conversations for an hour"),
        (
            "models:\n  m: {upstream: local, context: 900, image_tokens: {base: 1}}",
            "parley.yaml:2: models.m.image_tokens:",
        ),
        ("turns:\n  linger: soon", "parley.yaml:2: turns.linger: soon is not a duration. Write a number and a unit"),
        ("turns:\n  lnger: 1s", "parley.yaml:2: turns.lnger: This key is not known. Did you mean linger?"),
        (
            "cluster: valkey://h",
            "parley.yaml:1: cluster: Several nodes cannot share SQLite, which belongs to one process.",
        ),
        ("cluster: http://h", "parley.yaml:1: cluster: This is not a cluster. Write none, or where Valkey or Redis is"),
        ("database: mysql://h", "parley.yaml:1: database: This is not a database. Write sqlite, or a URI: postgresql:"),
        ("auth: { anonymous: fre }", "parley.yaml:1: auth.anonymous: There is no tier called fre. Did you mean free?"),
        (
            "auth: { oidc: { issuer: null } }",
            "parley.yaml:1: auth.oidc: Signing in through a provider is not available",
        ),
        ("listen: a:1\nlisten: b:2", "parley.yaml:2: listen: This key is written twice. Keep one of the two."),
        ("default_model: gpt", "parley.yaml:1: default_model: There is no model called gpt. Name one of: local."),
        ("titles: locl", "parley.yaml:1: titles: There is no model called locl. Did you mean local?"),
        (
            "upstreams:\n  a: { disabled: x }",
            "parley.yaml:2: upstreams.a.disabled: This key is not for files. Remove the",
        ),
        ("groups: { a: [] }\ntiers: {free: {a: unlimited}}", "parley.yaml:1: groups.a: A group needs at least one"),
        (
            "groups: { local: [local] }\ntiers: {free: {local: unlimited}}",
            "parley.yaml:1: groups.local: local is also the name of a model. Give the group another name.",
        ),
        ("upstreams:\n  local: { retries: 1 }", "parley.yaml:2: upstreams.local: An upstream needs exactly one of"),
        ("models:\n  local: { context: 4096 }", "parley.yaml:2: models.local: A model needs `upstream: name` or"),
        (
            "models:\n  local: { upstream: local, context: 512, max_output: 512 }",
            "parley.yaml:2: models.local: max_output must be smaller than context",
        ),
        ("models:\n  local:\n    upstream: lokal\n    context: 4096", "parley.yaml:3: models.local.upstream: There is"),
        ("trusted_proxies: [10.0.0.0/33]", "parley.yaml:1: trusted_proxies[0]: 10.0.0.0/33 is not a network."),
        ("allowed_origins: [https://a.org/x]", "parley.yaml:1: allowed_origins[0]: https://a.org/x is more than"),
        ("public_url: chat.example.org", "parley.yaml:1: public_url: chat.example.org is not a web address."),
        ("default_tier: gold", "parley.yaml:1: default_tier: There is no tier `gold`"),
        ("groups: { a: [lcal] }\ntiers: {free: {local: unlimited}}", "parley.yaml:1: groups.a"),
        ("tiers:\n  free:\n    local: 5 apples", "parley.yaml:3: tiers.free.local"),
        ("- a", "parley.yaml:1: A configuration is made of `key: value` lines. See docs/configuration.md."),
        ("a: [", "parley.yaml:1: This is not YAML"),
        ("\nlisten: !!python/object:os.system x", "parley.yaml:2: This is not YAML"),
        ("upstreams: &a\n  b: *a", "parley.yaml:1: upstreams.b: This is nested too deeply."),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_way_out(tmp_path: Path, text: str, line: str) -> None:
    """Each refusal begins with file, line and path, and says what to do."""
    assert any(problem.startswith(line) for problem in problems(tmp_path, text)), problems(tmp_path, text)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """An operator corrects a file in one go."""
    assert len(problems(tmp_path, "listen: x\nturns: { lease: y }\ncluster: z\n")) == 3


def test_a_shipped_section_that_no_longer_fits_names_the_section_to_write(tmp_path: Path) -> None:
    """Replacing `models` leaves shipped groups and defaults behind: the message says which section to write too."""
    lines = problems(tmp_path, "models: { mine: { upstream: local, context: 4096 } }\n")
    assert any("the shipped defaults: default_model" in line and "Write `default_model`" in line for line in lines)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    """A value from the environment has no line; a name that is nearly a setting is a mistake too."""
    assert problems(tmp_path, "", {"PARLEY_LISTEN": "x"})[0].startswith("PARLEY_LISTEN: listen: x is not an address.")
    assert problems(tmp_path, "data: ./d\n", {"PARLEY_LISTN": "127.0.0.1:1"}) == [
        "PARLEY_LISTN: This variable is not a setting. Did you mean PARLEY_LISTEN?"
    ]


def test_mistakes_come_in_the_order_of_their_lines(tmp_path: Path) -> None:
    """Who corrects a file goes through it once, from the top; what is no mapping is told in the words of a file."""
    text = "nope: 1\nmodels:\n  a: { upstream: local }\ngroups: { standard: local }\ntiers: 3\n"
    see = "docs/configuration.md says what may stand here."
    first, *others = problems(tmp_path, text)
    assert first.startswith("parley.yaml:1: nope: This key is not known. Known here: data, ")
    assert others == [
        "parley.yaml:3: models.a.context: This key is missing. Add it; docs/configuration.md says what it means.",
        f"parley.yaml:4: groups.standard: This is a list: [one, another]. {see}",
        f"parley.yaml:5: tiers: This is made of `key: value` lines. {see}",
    ]


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    """A wrong --config is told, not ignored."""
    with pytest.raises(ConfigError, match="There is no such file"):
        load(tmp_path / "absent.yaml", {})


def test_the_machine_is_asked_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A given file wins over PARLEY_CONFIG, that over ./parley.yaml, and that over the defaults."""
    for name in ("given", "variable", "parley"):
        (tmp_path / f"{name}.yaml").write_text(f"public_url: https://{name}.example.org\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARLEY_CONFIG", str(tmp_path / "variable.yaml"))
    assert from_machine(tmp_path / "given.yaml").public_url == "https://given.example.org"
    assert from_machine().public_url == "https://variable.example.org"
    monkeypatch.delenv("PARLEY_CONFIG")
    assert from_machine().public_url == "https://parley.example.org"
    (tmp_path / "parley.yaml").unlink()
    assert from_machine().public_url is None


def test_the_masked_form_shows_no_secret(tmp_path: Path) -> None:
    """What `config check` prints has asterisks where keys are."""
    masked = str(read(tmp_path, EXAMPLE, {"OPENAI_API_KEY": "sk-upstream"}).masked())
    assert "sk-upstream" not in masked
    assert "'api_key': '**********'" in masked


def test_every_setting_is_described_for_editors_and_in_the_documentation() -> None:
    """The JSON Schema describes every field, and docs/configuration.md names every key."""
    text = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    for section in Section.__subclasses__():
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"
            assert f"`{name}`" in text, f"docs/configuration.md lacks `{name}` of {section.__name__}"


def test_the_yaml_of_the_documentation_is_accepted(tmp_path: Path) -> None:
    """Every fenced block of docs/configuration.md is a configuration that loads."""
    text = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    blocks = text.split("```yaml\n")[1:]
    assert blocks
    for block in blocks:
        read(tmp_path, block.split("```")[0], {"OPENAI_API_KEY": "k", "OTHER_API_KEY": "k"})


def test_several_nodes_share_postgresql_and_valkey(tmp_path: Path) -> None:
    """The file names the database, the environment what nodes share; passwords are masked where settings are shown."""
    uri = "postgresql://parley:s3cret@db/chat?host=/run/pg&password=more&connect_timeout=3"
    settings = read(tmp_path, f"database: {uri}", {"PARLEY_CLUSTER": "valkey://:s3cret@cache:6379/2"})
    assert (settings.database, settings.cluster) == (uri, "valkey://:s3cret@cache:6379/2")
    assert not settings.embedded_database
    shown = settings.masked()
    assert shown["database"] == (
        "postgresql://parley:**********@db/chat?host=/run/pg&password=**********&connect_timeout=3"
    )
    assert shown["cluster"] == "valkey://:**********@cache:6379/2"


def test_a_mistake_in_an_address_does_not_repeat_its_password(tmp_path: Path) -> None:
    """What is wrong with an address is said without the address."""
    text = "database: mysql://parley:s3cret@db\ncluster: valkey:s3cret@cache\n"
    assert not any("s3cret" in problem for problem in problems(tmp_path, text))


def test_what_happens_without_the_ledger_may_differ_by_unit(tmp_path: Path) -> None:
    """One word is for all units; in a list, those that are not named are counted by the node."""
    assert set(read(tmp_path, "caps: { if_store_fails: closed }\n").caps.if_away().values()) == {"closed"}
    some = read(tmp_path, "caps: { if_store_fails: { cost: closed, at_once: open } }\n").caps.if_away()
    assert some == {
        "messages": "local",
        "tokens": "local",
        "cost": "closed",
        "images": "local",
        "concurrent-requests": "open",
    }
    assert problems(tmp_path, "caps: { if_store_fails: { cost: never } }\n")


def test_a_secret_for_signatures_is_checked_and_masked(tmp_path: Path) -> None:
    """One that is too short or no base64 is refused, without repeating it; a good one is never shown."""
    good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    settings = read(tmp_path, f"caps: {{ entitlement_secret: {good} }}\n")
    assert settings.caps.entitlement_key() is not None
    assert good not in str(settings.masked())
    (line,) = problems(tmp_path, "caps: { entitlement_secret: whsec_c2hvcnQ= }\n")
    assert "24 random bytes" in line
    assert "c2hvcnQ" not in line
