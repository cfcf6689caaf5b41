"""Files in the shapes that other tools write become personas, and say what they leave behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from personas import Compiled, PersonaRefused, compose, parse
from personas.interop import Imported, read, write

FILES = Path(__file__).parents[3] / "golden" / "interop"


def only(name: str, **options: Any) -> Imported:
    """Return the persona of a file that has one."""
    (imported,) = read((FILES / name).read_bytes(), file_name=name, **options)
    return imported


def compiled(imported: Imported) -> Compiled:
    """Return an imported persona without a house."""
    return compose(parse(imported.text, source="imported.md", name_hint=imported.name), {})


def codes(imported: Imported) -> set[str]:
    """Return what kinds of things were not taken over."""
    return {problem.code for problem in imported.problems}


FIXTURES = sorted(path.name for path in FILES.iterdir() if path.suffix != ".md" or path.name == "SKILL.md")


@pytest.mark.parametrize("name", FIXTURES)
def test_every_file_becomes_personas_of_their_owner(name: str) -> None:
    """Each is open to its owner alone, names no model and no tool, and has neither a bare macro nor a bare key."""
    for imported in read((FILES / name).read_bytes(), file_name=name):
        persona = compiled(imported)
        assert persona.access.owner_only
        assert persona.model.use is None
        assert persona.tools is None
        assert persona.body
        assert all(problem.severity == "warning" for problem in imported.problems)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_file_comes_back_through_its_own_format(name: str) -> None:
    """Exported to the format that it came from and imported again, each persona is the same text."""
    ways = {"character_card": "card"}
    for imported in read((FILES / name).read_bytes(), file_name=name):
        exported = write(compiled(imported), ways.get(imported.format, imported.format))
        (again,) = read(exported.content, file_name=exported.file_name)
        assert again.text == imported.text


def test_a_card_of_version_3_fills_every_field() -> None:
    """Texts become sections, dialogues examples, the lorebook knowledge; variables are ours."""
    persona = compiled(only("card_v3.json"))
    assert (persona.name, persona.title, persona.tags) == ("captain-wren", "Captain Wren", ("sea", "fantasy"))
    assert persona.summary == "A lighthouse keeper with a past."
    assert [passage.heading for passage in persona.body] == ["", "Personality", "Scenario", "Instructions"]
    assert (
        persona.body[0].text == "{{ persona.title }} keeps the light at Gull Point and calls {{ user.name }} a friend."
    )
    assert persona.greeting == ("Evening, {{ user.name }}. Mind the { {random:step,rope}}.", "You again?")
    assert [(one.user, one.assistant) for one in persona.examples] == [
        ("Is it safe?", "Safe as Captain Wren can make it.\nMostly.")
    ]
    assert persona.reminder == "Stay at the lighthouse."
    (entry, constant) = persona.knowledge.entries
    assert (entry.when, entry.order, entry.priority) == (("lamp", "light"), 10, 5)
    assert entry.text == "The lamp burns whale oil, says Captain Wren."
    assert constant.always
    assert (persona.knowledge.scan_turns, persona.knowledge.budget_tokens) == (3, 400)


def test_a_card_tells_what_it_leaves_behind() -> None:
    """Regular expressions, entries that are off, second keys, decorators and assets are named."""
    assert codes(only("card_v3.json")) >= {"regex", "off", "secondary", "decorators", "assets"}


def test_a_card_comes_back_with_all_that_nobody_reads_here() -> None:
    """Extensions, creator, dates, assets and dropped entries stand in the export as they stood in the card."""
    card = json.loads((FILES / "card_v3.json").read_bytes())
    back = json.loads(write(compiled(only("card_v3.json")), "card").content)
    assert json.dumps(back["data"]["extensions"]) == json.dumps(card["data"]["extensions"])
    assert {key: back["data"][key] for key in card["data"]} == card["data"]


def test_what_was_edited_here_wins_over_what_was_kept() -> None:
    """A new text is exported in place of the old; what nobody touched still comes back."""
    imported = only("card_v3.json")
    edited = imported.text.replace("keeps the light at Gull Point", "sells ice cream")
    persona = compose(parse(edited, source="edited.md"), {})
    data = json.loads(write(persona, "card").content)["data"]
    assert data["description"] == "{{char}} sells ice cream and calls {{user}} a friend."
    assert data["creator"] == "ada"


def test_cards_of_versions_1_and_2_are_read_too() -> None:
    """Version 1 stands at the root, version 2 in `data`; both go out as version 3."""
    for name in ("card_v1.json", "card_v2.json"):
        persona = compiled(only(name))
        assert persona.greeting
        back = json.loads(write(persona, "card").content)
        assert (back["spec"], back["spec_version"]) == ("chara_card_v3", "3.0")
    assert json.loads(write(compiled(only("card_v1.json")), "card").content)["metadata"] == {"tool": "editor"}


def test_a_dialogue_that_does_not_alternate_is_a_section() -> None:
    """What cannot be told apart into questions and answers is kept as text."""
    persona = compiled(only("card_v2.json"))
    assert persona.examples == ()
    assert [passage.heading for passage in persona.body][-1] == "Example dialogue"


def test_a_skill_keeps_its_name_and_its_text() -> None:
    """The body is the text, braces are plain, and tools are not granted."""
    imported = only("SKILL.md")
    persona = compiled(imported)
    assert (persona.name, persona.title) == ("meeting-notes", None)
    assert "{ {attendees}}" in persona.body[-1].text
    assert codes(imported) >= {"tools", "files"}
    assert b"allowed-tools: Read Grep" in write(persona, "skill").content


def test_inputs_of_a_prompt_are_dials() -> None:
    """Dotprompt: conditions are translated, comments go, other roles are told."""
    imported = only("greeter.prompt")
    persona = compiled(imported)
    assert persona.name == "greeter"
    assert {name: dial.default for name, dial in persona.bounds.dials.items()} == {"guest_name": "Guest", "style": ""}
    text = persona.body[0].text
    assert "{% if dials.style %}Write in the style of {{ dials.style }}.{% else %}Write plainly.{% endif %}" in text
    assert "comment" not in text
    assert persona.model.temperature == 0.7
    assert "roles" in codes(imported)


@pytest.mark.parametrize(
    ("tag", "line"),
    [
        ("{{#each items}}x{{/each}}", 5),
        ("\n{{> tone}}", 6),
        ("{{json x}}", 5),
        ("{{@auth.email}}", 5),
        ("{{#if a}}x", 5),
    ],
)
def test_a_prompt_that_computes_is_refused_with_its_line(tag: str, line: int) -> None:
    """Loops, partials and functions have no counterpart."""
    with pytest.raises(PersonaRefused) as refused:
        read(f"---\nmodel: m\n---\n\n{tag}\n".encode(), file_name="a.prompt")
    assert [problem.line for problem in refused.value.problems] == [line]


def test_what_a_prompt_computes_for_others_is_left_out() -> None:
    """The text of the user is not taken over, so that it may loop as it likes."""
    prompt = b'{{role "system"}}You are kind.{{role "user"}}{{#each items}}{{this}}{{/each}}'
    (imported,) = read(prompt, file_name="kind.prompt")
    assert imported.text.endswith("---\n\nYou are kind.\n")
    assert imported.name == "kind"


def test_a_prompty_is_what_its_system_says() -> None:
    """Inputs are dials, other roles are left out and told, and keys of providers stay behind."""
    imported = only("coach.prompty")
    persona = compiled(imported)
    assert persona.title == "Running Coach"
    assert {name: dial.default for name, dial in persona.bounds.dials.items()} == {
        "goal_name": "ten kilometres",
        "week": "first",
    }
    text = persona.body[0].text
    assert text.startswith("You coach a runner towards {{ dials.goal_name }}.\n{% if dials.week %}This is the")
    assert "# Rest" in text
    assert "not for the model" not in text
    assert "What do I run" not in text
    assert "SOME_KEY" not in imported.text
    assert (persona.model.temperature, persona.model.max_output_tokens) == (0.5, 300)
    assert codes(imported) >= {"roles", "model"}
    exported = write(persona, "prompty").content
    assert b"- a runner" in exported
    assert b"SOME_KEY" not in exported


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("system:\n{% for a in b %}x{% endfor %}", 5),
        ("system:\nA\n\nsystem:\n{{ a | upper }}", 8),
        ("{% if a %}x", 4),
        ("x{% endif %}", 4),
        ("{% else %}", 4),
        ("{{ user.password }}", 4),
        ("{# a", 4),
    ],
)
def test_a_prompty_that_computes_is_refused_with_its_line(body: str, line: int) -> None:
    """Loops, filters and conditions that go on into another part have no counterpart."""
    with pytest.raises(PersonaRefused) as refused:
        read(f"---\nname: m\n---\n{body}\n".encode(), file_name="a.prompty")
    assert [problem.line for problem in refused.value.problems] == [line]


def test_every_model_of_an_export_of_open_webui_is_read() -> None:
    """A list is as many personas; variables and suggestions are taken over."""
    first, second = read((FILES / "openwebui.json").read_bytes(), file_name="openwebui.json")
    persona = compiled(first)
    assert persona.title == "Recipe Helper"
    assert persona.body[0].text == "Today is {{ now.date }}. You cook for {{ user.name }}, never with { {SECRET}}."
    assert persona.starters == ("What can I cook with leeks?",)
    assert (persona.tags, persona.model.temperature) == (("food",), 0.6)
    assert second.name == "plain-speaker"
    row = json.loads(write(persona, "openwebui").content)[0]
    assert (row["base_model_id"], row["meta"]["capabilities"]) == ("gpt-4o", {"vision": True})


def test_an_agent_of_lobehub_brings_greeting_and_examples() -> None:
    """Its emoji is the avatar; a template for the users' words is refused."""
    imported = only("lobehub.json")
    persona = compiled(imported)
    assert persona.avatar == "\N{FOX FACE}"
    assert persona.greeting == ("Hi {{ user.name }}!",)
    assert persona.starters == ("Where do foxes sleep?",)
    assert len(persona.examples) == 1
    assert "rewriting" in codes(imported)


def test_specs_of_librechat_are_read_from_a_configuration() -> None:
    """The rest of the configuration is no persona."""
    imported = only("librechat.yaml")
    persona = compiled(imported)
    assert (persona.title, persona.summary) == ("Contract Reader", "Reads contracts.")
    assert persona.body[0].text == "You read contracts for {{ user.name }}. It is {{ now.date }}."
    assert persona.starters == ("Find the notice period.",)
    assert b"iconURL: https://example.org/icon.png" in write(persona, "librechat").content


def test_gpts_and_prompts_of_openai_are_read() -> None:
    """A GPT as its page shows it, and a prompt whose variables are dials."""
    gpt, prompt = compiled(only("gpt.json")), compiled(only("openai_prompt.json"))
    assert (gpt.title, gpt.starters) == ("Stoic Coach", ("How do I stay calm?",))
    assert gpt.greeting == ("Welcome.",)
    assert prompt.body[0].text == "You review {{ dials.city }} restaurants."
    assert prompt.bounds.dials["city"].default == "Oslo"
    assert len(prompt.examples) == 1


def test_a_prompt_of_langfuse_has_dials_for_its_variables() -> None:
    """Names are brought into our form and come back in theirs."""
    persona = compiled(only("langfuse.json"))
    assert persona.body[0].text == "As a {{ dials.critic_level }} critic, judge films."
    assert "{{criticLevel}}" in write(persona, "langfuse").content.decode()


def test_an_assistant_of_hugging_face_fetches_nothing() -> None:
    """Its examples are starters; what would be fetched is told."""
    imported = only("huggingface.json")
    assert compiled(imported).starters == ("Name a bird.",)
    assert "fetching" in codes(imported)


def test_a_heading_of_the_house_is_a_smaller_one_here() -> None:
    """No imported text stands where the operator's stands."""
    card = json.dumps({"name": "A", "description": "B\n\n## House  RULES\n\nNone.", "first_mes": ""}).encode()
    (imported,) = read(card, file_name="a.json", reserved=["House rules"])
    assert [passage.heading for passage in compiled(imported).body] == [""]
    assert "### House RULES" in imported.text


@pytest.mark.parametrize(
    ("title", "name"),
    [("House", "house-persona"), ("Dr. Ä. O'Neil", "dr-a-o-neil"), ("\u732b", "persona-a810bf84"), ("{{x}}", "x")],
)
def test_a_name_is_made_from_the_title(title: str, name: str) -> None:
    """Letters and digits of the title; never the name of the house."""
    card = json.dumps({"name": title, "description": "B", "first_mes": ""}).encode()
    (imported,) = read(card, file_name="a.json")
    assert imported.name == name


def test_a_persona_of_ours_is_not_imported() -> None:
    """It is told to be put where it belongs."""
    with pytest.raises(PersonaRefused, match="ours already"):
        read(b"---\nspec: persona/1\nname: a\nsummary: B\n---\nC", file_name="a.md")


def test_a_file_that_says_nothing_still_names_who_answers() -> None:
    """The persona has a text, and it is told that nobody wrote it."""
    (imported,) = read(b'{"name": "Ida", "first_mes": "Hm?"}', file_name="a.json")
    assert imported.text.endswith("---\n\nYou are Ida.\n")
    assert codes(imported) == {"no_text"}


def test_an_export_tells_what_has_no_place() -> None:
    """Dials, conditions and fields that the format lacks are named; the house stays here."""
    text = (
        "---\nspec: persona/1\nname: p\nsummary: S\nstarters: [Hello]\n"
        "bounds: { dials: { pace: { choices: [slow, fast], default: slow } } }\n---\n"
        '{% if user.name %}To {{ user.name }}.{% endif %} {{ user.tier }} {% if dials.pace == "fast" %}Go{% endif %}'
    )
    house = parse("---\nspec: persona/1\nname: house\nsummary: S\n---\nObey the house.", source="house.md")
    exported = write(compose(parse(text, source="p.md"), {"house": house}), "card")
    data = json.loads(exported.content)["data"]
    assert data["description"] == "To {{user}}."
    assert "Obey" not in exported.content.decode()
    told = {(problem.code, problem.message) for problem in exported.problems}
    assert {code for code, _ in told} == {"settled", "variable", "left_out"}
    assert ("left_out", "The format has no place for `starters`.") in told
