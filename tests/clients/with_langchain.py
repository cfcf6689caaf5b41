"""LangChain's chat model for OpenAI, over Chat Completions."""

import asyncio

import openai
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from telling import KEY, STRICT_KEY, URL, tell


async def main() -> None:
    """Hold the conversation and tell of it."""
    strict = ChatOpenAI(model="gpt-4", api_key=STRICT_KEY, base_url=URL)
    first = await strict.ainvoke([HumanMessage("one")])
    second = await strict.ainvoke([HumanMessage("one"), first, HumanMessage("two")])
    try:
        await strict.ainvoke([HumanMessage("three")])
    except openai.RateLimitError as error:
        refused = error
    async for piece in ChatOpenAI(model="long", api_key=KEY, base_url=URL).astream([HumanMessage("long")]):
        if piece.content:
            break
    usage = second.usage_metadata
    tell(
        replies=[str(first.content), str(second.content)],
        refused=refused,
        usage=usage["output_tokens"] if usage else None,
        stopped=None,
    )


asyncio.run(main())
