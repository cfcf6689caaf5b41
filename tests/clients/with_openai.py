"""The official client for Python: Responses over WebSocket, and HTTP for what sockets have no word for."""

import asyncio

import openai
from openai.resources.responses.responses import AsyncResponsesConnection
from openai.types.responses import Response
from telling import STRICT_KEY, tell


async def ask(connection: AsyncResponsesConnection, words: str, previous: str | None, model: str) -> Response:
    """Return the answer to what was said after a response."""
    await connection.response.create(model=model, input=words, previous_response_id=previous)
    async for event in connection:
        if event.type == "response.completed":
            return event.response
        if event.type == "error":
            raise SystemExit(event.error)
    raise SystemExit("the socket was closed")


async def main() -> None:
    """Hold the conversation and tell of it."""
    client = openai.AsyncOpenAI()
    strict = client.with_options(api_key=STRICT_KEY)
    async with strict.responses.connect() as connection:
        first = await ask(connection, "one", None, "gpt-4")
        second = await ask(connection, "two", first.id, "gpt-4")
    try:
        await strict.responses.create(model="gpt-4", input="three")
    except openai.RateLimitError as error:
        refused = error
    begun = await client.responses.create(model="long", input="long", background=True)
    stopped = await client.responses.cancel(begun.id)
    tell(
        replies=[first.output_text, second.output_text],
        refused=refused,
        usage=second.usage.output_tokens if second.usage else None,
        stopped=stopped.id,
    )


asyncio.run(main())
