"""Pydantic AI, over the Responses socket."""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelRateLimitError
from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings
from pydantic_ai.providers.openai import OpenAIProvider
from telling import KEY, STRICT_KEY, URL, tell


def agent(key: str, model: str) -> Agent[None, str]:
    """Return an agent that reaches the server."""
    provider = OpenAIProvider(api_key=key, base_url=URL)
    settings = OpenAIResponsesModelSettings(openai_transport="websocket")
    return Agent(OpenAIResponsesModel(model, provider=provider), model_settings=settings)


async def main() -> None:
    """Hold the conversation and tell of it."""
    strict = agent(STRICT_KEY, "gpt-4")
    async with strict:
        first = await strict.run("one")
        second = await strict.run("two", message_history=first.all_messages())
        try:
            await strict.run("three")
        except ModelRateLimitError as error:
            refused = error
    patient = agent(KEY, "long")
    async with patient, patient.run_stream("long") as running:
        async for _ in running.stream_text(delta=True):
            stopped = running.response.provider_response_id
            break
    tell(
        replies=[first.output, second.output], refused=refused, usage=second.usage.output_tokens, stopped=stopped or ""
    )


asyncio.run(main())
