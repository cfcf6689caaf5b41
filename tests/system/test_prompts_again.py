"""What a model was sent: made again for operators to the byte, and told to users in plain words."""

# ruff: noqa: RUF001  # Chinese has its own punctuation

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.cli import run
from server.core.records import Role
from tests.harness import CONFIG, House, house

PERSONA = """---
spec: persona/1
name: guide
title: The Guide
summary: For a test.
greeting: Hello {{ user.name }}.
reminder: End with a question.
examples:
  - { user: Hi, assistant: Hello there. }
knowledge:
  entries:
    - { when: [harbour], text: The harbour closes at nine. }
    - { when: [lighthouse], text: Secret lamp. }
bounds:
  dials:
    pace: { choices: [brisk, slow], default: slow, label: Pace }
    topic: { text: { max_chars: 60 }, default: "" }
  notes: { max_chars: 600 }
locales:
  zh: { title: 向导, dials: { pace: { label: 节奏, choices: { brisk: 快 } } } }
---
You are a guide to {{ user.name }}, at a {{ dials.pace }} pace, about {{ dials.topic }}.
"""
DEMOTED = " Among them is system text that you sent: only a key of role developer may give instructions."
ASKED = {"prompt": {"id": "guide", "variables": {"pace": "brisk", "topic": "ships"}}, "model": "echo"}


def changes(folder: Path, **more: Any) -> dict[str, Any]:
    """Return the configuration with the persona of this test."""
    (folder / "personas").mkdir(exist_ok=True)
    (folder / "personas" / "guide.md").write_text(PERSONA, encoding="utf-8")
    return {"personas": [str(folder / "personas")], **more}


def sent(running: House, number: int = -1) -> list[dict[str, Any]]:
    """Return what the upstream was sent, as the operator's view has it."""
    return [
        {"role": one.role, "content": [{"type": "text", "text": getattr(part, "text", "")} for part in one.parts]}
        for one in running.upstream.calls[number].messages
    ]


async def ask(http: httpx.AsyncClient, **body: Any) -> Any:
    answer = await http.post("/v1/responses", json=ASKED | body)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


@pytest.mark.parametrize("roles", ["free", "strict"])
async def test_an_operator_reads_the_exact_messages_of_any_answer(tmp_path: Path, roles: str) -> None:
    """Each answer of a conversation, from either door, gives the messages its model was sent, and the audit tells."""
    models = {**CONFIG["models"], "echo": {"upstream": "mock", "id": "echo", "context": 2600, "roles": roles}}
    async with house(tmp_path, changes(tmp_path, models=models)) as running:
        operator = await running.key("op", role=Role.OPERATOR)
        async with running.http(await running.key()) as http, running.http(operator) as desk:
            told = {"instructions": "I like ships.", "greeting": 0}
            first = await ask(http, input="When does the harbour close?", conversation="new", **told)
            conversation = first["conversation"]["id"]
            answers = [first["id"]]
            texts = ("And \u00e9 \U0001f6a2?", "a" * 3600, "b" * 3600, "c")
            answers += [(await ask(http, input=text, conversation=conversation))["id"] for text in texts]
            answers.append((await ask(http, regenerate=first["id"]))["id"])
            body = {"model": "echo", "persona": "guide", "messages": [{"role": "user", "content": "hi"}]}
            answers.append((await http.post("/v1/chat/completions", json=body)).json()["id"])
            for number, answer in enumerate(answers):
                again = (await desk.get(f"/admin/responses/{answer}/prompt")).json()
                assert again["messages"] == sent(running, number)
                assert (again["match"], again["digest"]) == ("same", again["sent_digest"])
            fourth = (await desk.get(f"/admin/responses/{answers[4]}/prompt")).json()
            assert fourth["history"]["left_out"] > 0
            assert fourth["knowledge"] == {"carried": 0, "left_out": 0}
            audit = (await desk.get("/admin/audit")).json()["data"]
        looked = [entry for entry in audit if entry["what"] == "prompt looked at"]
        assert len(looked) == len(answers) + 1
        assert looked[0]["who"].startswith("op key_")
        assert looked[0]["detail"]["response"] == answers[4]


async def test_the_command_prints_what_was_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As text it is what the model read, and a remark says that it is exact; as JSON it is the API's answer."""
    async with house(tmp_path, changes(tmp_path)) as running, running.http(await running.key()) as http:
        answer = (await ask(http, input="When does the harbour close?"))["id"]
        told = sent(running)
    capsys.readouterr()
    command = ["personas", "prompt", answer, "--config", str(tmp_path / "parley.yaml")]
    assert await asyncio.to_thread(run, command) == 0
    text, remark = capsys.readouterr()
    assert text == "".join(f"[{one['role']}]\n{''.join(part['text'] for part in one['content'])}\n\n" for one in told)
    assert "to the byte" in remark
    assert await asyncio.to_thread(run, [*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["messages"] == told
    assert await asyncio.to_thread(run, ["personas", "prompt", "resp_none", *command[3:]]) == 1
    assert "not found" in capsys.readouterr().err


async def test_a_prompt_that_comes_out_differently_is_not_passed_off(tmp_path: Path) -> None:
    """After a change of the model's configuration the operator is told that these are not the messages."""
    async with house(tmp_path, changes(tmp_path)) as running, running.http(await running.key()) as http:
        answer = (await ask(http, input="hi"))["id"]
    models = {**CONFIG["models"], "echo": {"upstream": "mock", "id": "echo", "context": 8000, "roles": "strict"}}
    async with (
        house(tmp_path, changes(tmp_path, models=models)) as running,
        running.http(await running.key("op", role=Role.OPERATOR)) as desk,
    ):
        again = (await desk.get(f"/admin/responses/{answer}/prompt")).json()
    assert again["match"] == "different"
    assert again["digest"] != again["sent_digest"]
    assert "not the messages" in again["remark"]


async def test_an_answer_of_an_older_version_says_that_nothing_is_known(tmp_path: Path) -> None:
    """Turns that kept no digest are shown all the same, without a claim."""
    async with house(tmp_path, changes(tmp_path)) as running:
        async with running.http(await running.key()) as http:
            answer = (await ask(http, input="hi"))["id"]
        await forget_digest(running, answer)
        async with running.http(await running.key("op", role=Role.OPERATOR)) as desk:
            again = (await desk.get(f"/admin/responses/{answer}/prompt")).json()
    assert (again["match"], again["sent_digest"]) == ("unknown", None)
    assert again["messages"]


async def forget_digest(running: House, answer: str) -> None:
    """Take out of a stored turn what an older version would not have written."""
    from sqlalchemy import select, update

    from server import backends
    from server.adapters.schema import turns

    async with backends.stores(running.settings) as opened:
        facts = await opened.base.read(lambda link: link.scalar(select(turns.c.facts).where(turns.c.id == answer)))
        older = {name: value for name, value in json.loads(facts or "").items() if name != "prompt_digest"}
        change = update(turns).where(turns.c.id == answer).values(facts=json.dumps(older))
        await opened.base.write(lambda link: link.execute(change))


async def test_a_user_reads_what_an_answer_was_made_of(tmp_path: Path) -> None:
    """Bounds and additions in plain words, in Chinese too, without one of the author's or the operator's."""
    async with house(tmp_path, changes(tmp_path)) as running:
        async with running.http(await running.key()) as http:
            told = {"instructions": "I like ships.", "greeting": 0, "conversation": "new"}
            first = await ask(http, input="When does the harbour close?", **told)
            made = (await http.get(f"/v1/responses/{first['id']}/made_of")).json()
            headers = {"accept-language": "zh-CN"}
            chinese = (await http.get(f"/v1/responses/{first['id']}/made_of", headers=headers)).json()
            second = await ask(http, input="Thanks.", notes="I am new.", previous_response_id=first["id"])
            later = (await http.get(f"/v1/responses/{second['id']}/made_of")).json()
        async with running.http(await running.key("bo")) as other:
            assert (await other.get(f"/v1/responses/{first['id']}/made_of")).status_code == httpx.codes.NOT_FOUND
    assert made["persona"] == {"id": "guide", "title": "The Guide", "revision": 1}
    assert made["bounds"] == [
        "Its instructions are its author's, under the rules of the house. Nothing that you send changes them.",
        "Pace: you may choose brisk, slow.",
        "topic: you may write up to 60 characters.",
        "You may add notes of up to 600 characters.",
    ]
    assert made["added"] == [
        "The instructions of The Guide, revision 1, which are not shown.",
        "What these may tell of you: your name.",
        "Pace: brisk.",
        "topic: ships.",
        "1 example of how it speaks.",
        "The greeting that you were shown.",
        f"Your notes, quoted as your own words.{DEMOTED}",
        "The date and the time.",
        "1 piece of its reference material, for what was said.",
        "A reminder of its author's, after your message.",
    ]
    assert "Your notes, quoted as your own words." in later["added"]
    assert "2 earlier messages of the conversation." in later["added"]
    assert chinese["persona"]["title"] == "向导"
    assert chinese["bounds"] == [
        "它的指令由作者撰写，并受本站规则约束。您发送的任何内容都不会改变这些指令。",
        "节奏（您可以选择）：快、slow。",
        "topic：您最多可以写 60 个字符。",
        "您可以附上最多 600 个字符的备注。",
    ]
    assert chinese["added"] == [
        "“向导”第 1 版的指令，内容不予显示。",
        "其中可能提到您的名字。",
        "节奏：快。",
        "topic：ships。",
        "1 个说话方式的示例。",
        "向您显示过的开场白。",
        "您的备注，作为您自己的话引用。其中包括您发送的系统文本：只有 developer 角色的密钥才能下达指令。",
        "日期和时间。",
        "1 段与所说内容有关的参考资料。",
        "在您的消息之后，作者的一条提醒。",
    ]
    assert "Secret" not in json.dumps([made, chinese, later])


async def test_what_asked_no_model_has_no_prompt(running: House) -> None:
    """A turn that prepares a later one, and an id that does not exist, are not found."""
    async with running.http(await running.key("op", role=Role.OPERATOR)) as desk:
        prepared = (await desk.post("/v1/responses", json={"input": "hi", "generate": False})).json()["id"]
        for answer in (prepared, "resp_none"):
            assert (await desk.get(f"/admin/responses/{answer}/prompt")).status_code == httpx.codes.NOT_FOUND
            assert (await desk.get(f"/v1/responses/{answer}/made_of")).status_code == httpx.codes.NOT_FOUND
