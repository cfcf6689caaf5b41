"""Images at every door, with the official client, to a provider over real HTTP."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.harness import House, house
from tests.images import data_url, photograph, picture, png_bomb
from tests.provider import Provider, provider

TIER = {"both": "unlimited", "images": "4 images / 3h"}


@pytest.fixture
async def seeing(tmp_path: Path) -> AsyncIterator[tuple[House, Provider, openai.AsyncOpenAI]]:
    """A server with a model that sees and one that does not, their provider, and a client."""
    async with provider() as behind:
        changes: dict[str, Any] = {
            "upstreams": {"real": {"base_url": behind.url, "retries": 0}},
            "models": {
                "eyes": {"upstream": "real", "id": "t8", "context": 8000, "vision": True, "roles": "strict"},
                "blind": {"upstream": "real", "id": "t8", "context": 8000},
                "tiny": {"upstream": "real", "id": "t8", "context": 2000, "vision": True},
            },
            "default_model": "eyes",
            "groups": {"both": ["eyes", "blind", "tiny"]},
            "tiers": {"seer": TIER},
            "default_tier": "seer",
        }
        async with house(tmp_path, changes, real_upstreams=True) as one:
            key = await one.key(tier=None)
            async with openai.AsyncOpenAI(api_key=key, base_url=f"{one.address}/v1", max_retries=0) as client:
                yield one, behind, client


def sent(behind: Provider, call: int = -1) -> list[dict[str, Any]]:
    """Return the parts of the newest message that the provider was sent."""
    parts: list[dict[str, Any]] = behind.calls[call]["messages"][-1]["content"]
    return parts


def shown(part: dict[str, Any]) -> bytes:
    return base64.b64decode(part["image_url"]["url"].partition(",")[2])


async def test_images_stand_among_the_words(seeing: tuple[House, Provider, openai.AsyncOpenAI]) -> None:
    """Responses and Chat send the same parts in the same order, cleaned; a file is named by its id."""
    _, behind, client = seeing
    file = await client.files.create(file=("cat.jpg", photograph()), purpose="vision")
    assert (file.purpose, file.filename) == ("vision", "cat.jpg")
    content = (await client.files.content(file.id)).content
    assert b"SECRET" not in content
    await client.responses.create(
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Is "},
                    {"type": "input_image", "file_id": file.id, "detail": "low"},
                    {"type": "input_text", "text": " like "},
                    {"type": "input_image", "image_url": data_url(picture()), "detail": "auto"},
                ],
            }
        ]
    )
    *context, is_, cat, like, red = sent(behind)
    assert [part["text"] for part in (is_, like)] == ["Is ", " like "]
    assert (shown(cat), cat["image_url"]["detail"], red["image_url"]["detail"]) == (content, "low", "auto")
    await client.chat.completions.create(
        model="eyes",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Is "},
                    {"type": "image_url", "image_url": {"url": file.id, "detail": "low"}},
                    {"type": "text", "text": " like "},
                    {"type": "image_url", "image_url": {"url": data_url(picture())}},
                ],
            }
        ],
    )
    assert sent(behind)[len(context) :] == [is_, cat, like, red]


async def test_an_image_is_part_of_the_conversation(seeing: tuple[House, Provider, openai.AsyncOpenAI]) -> None:
    """It is sent again with later questions, shown in the items, hidden from others, and deleted with all of it."""
    one, behind, client = seeing
    conversation = await client.conversations.create()
    image = {"type": "input_image", "image_url": data_url(picture()), "detail": "auto"}
    question: Any = [{"role": "user", "content": [image, {"type": "input_text", "text": "What is this?"}]}]
    await client.responses.create(input=question, conversation=conversation.id)
    items = [item async for item in client.conversations.items.list(conversation.id, order="asc")]
    assert items[0].type == "message"
    part = items[0].content[0]
    assert part.type == "input_image"
    assert part.file_id is not None
    assert (await client.files.content(part.file_id)).content == shown(sent(behind)[-2])
    assert (await client.files.list()).data == []
    await client.responses.create(input="And its colour?", conversation=conversation.id)
    assert any(isinstance(said["content"], list) for said in behind.calls[-1]["messages"][:-1])
    await client.responses.create(input="Can you see it?", model="blind", conversation=conversation.id)
    told = json.dumps(behind.calls[-1]["messages"])
    assert "An image that you do not see." in told
    assert "data:image" not in told
    other = client.with_options(api_key=await one.key("bo", tier=None))
    with pytest.raises(openai.NotFoundError):
        await other.files.content(part.file_id)
    again: Any = [{"role": "user", "content": [{"type": "input_image", "file_id": part.file_id, "detail": "auto"}]}]
    with pytest.raises(openai.NotFoundError) as hidden:
        await other.responses.create(input=again)
    assert hidden.value.code == "file_not_found"
    await client.conversations.delete(conversation.id)
    with pytest.raises(openai.NotFoundError):
        await client.files.content(part.file_id)


async def test_a_refusal_costs_and_leaves_nothing(seeing: tuple[House, Provider, openai.AsyncOpenAI]) -> None:
    """Models that see nothing name one that does; bombs, addresses and images over the cap are refused."""
    _, behind, client = seeing

    async def refused(url: str, *, model: str = "eyes", count: int = 1) -> tuple[int, str | None, str | None]:
        messages: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}] * count}]
        with pytest.raises(openai.APIStatusError) as why:
            await client.chat.completions.create(model=model, messages=messages)
        assert isinstance(why.value.body, dict)
        return why.value.status_code, why.value.code, why.value.body["message"]

    assert await refused(data_url(picture()), model="blind") == (
        400,
        "vision_not_supported",
        "'blind' does not read images; 'eyes' does.",
    )
    assert (await refused(data_url(png_bomb())))[:2] == (400, "image_too_large")
    assert (await refused("https://else.example/cat.png"))[:2] == (400, "unsupported_value")
    assert (await refused("data:text/html;base64,AAAA"))[:2] == (400, "invalid_image")
    assert (await refused("data:image/png;base64,%%%%"))[:2] == (400, "invalid_image")
    assert (await refused("file-0000"))[:2] == (404, "file_not_found")
    assert (await refused(data_url(picture((2048, 2048))), model="tiny"))[:2] == (400, "context_length_exceeded")
    assert behind.calls == []
    assert (await refused(data_url(picture()), count=5))[:2] == (429, "usage_cap_reached")
    question: Any = [
        {"role": "user", "content": [{"type": "input_image", "image_url": data_url(picture((1024, 1024)))}]}
    ]
    large = await client.responses.input_tokens.count(model="eyes", input=question)
    assert 1024 < large.input_tokens < 2048


async def test_files_are_kept_until_they_are_deleted(seeing: tuple[House, Provider, openai.AsyncOpenAI]) -> None:
    """The official client lists, reads and deletes them; forms that are none are refused in words."""
    one, _, client = seeing
    made = [await client.files.create(file=picture(colour=colour), purpose="vision") for colour in ("red", "blue")]
    assert [file.id async for file in client.files.list(order="asc")] == [file.id for file in made]
    assert (await client.files.retrieve(made[0].id)).bytes == len((await client.files.content(made[0].id)).content)
    assert (await client.files.delete(made[0].id)).deleted
    with pytest.raises(openai.NotFoundError):
        await client.files.retrieve(made[0].id)
    with pytest.raises(openai.BadRequestError) as why:
        await client.files.create(file=picture(), purpose="assistants")
    assert why.value.param == "purpose"
    async with one.http(client.api_key) as http:
        bodies: tuple[dict[str, Any], ...] = (
            {"json": {"purpose": "vision"}},
            {"files": {"other": b""}, "data": {"purpose": "vision"}},
            {"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data; boundary=y"}},
            {"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data"}},
        )
        for body in bodies:
            answer = await http.post("/v1/files", **body)
            assert answer.status_code == 400, answer.text
        huge = await http.post("/v1/files", files={"file": bytes(9_000_000)}, data={"purpose": "vision"})
        assert huge.json()["error"]["code"] == "message_too_large"
