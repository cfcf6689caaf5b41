"""LiteLLM, over Chat Completions."""

import asyncio

import litellm
from telling import KEY, STRICT_KEY, URL, tell


async def main() -> None:
    """Hold the conversation and tell of it."""
    strict = {"model": "openai/gpt-4", "api_base": URL, "api_key": STRICT_KEY}
    said = [{"role": "user", "content": "one"}]
    first = await litellm.acompletion(messages=said, **strict)
    said += [first.choices[0].message.model_dump(include={"role", "content"}), {"role": "user", "content": "two"}]
    second = await litellm.acompletion(messages=said, **strict)
    try:
        await litellm.acompletion(messages=[{"role": "user", "content": "three"}], **strict)
    except litellm.RateLimitError as error:
        refused = error
    running = await litellm.acompletion(
        model="openai/long", api_base=URL, api_key=KEY, messages=[{"role": "user", "content": "long"}], stream=True
    )
    stopped = ""
    async for chunk in running:
        stopped = chunk.id
        if chunk.choices[0].delta.content:
            break
    tell(
        replies=[one.choices[0].message.content for one in (first, second)],
        refused=refused,
        usage=second.usage.completion_tokens,
        stopped=stopped,
    )


asyncio.run(main())
