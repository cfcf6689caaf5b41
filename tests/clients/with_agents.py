"""The OpenAI Agents SDK, over the Responses socket."""

import asyncio

from agents import Agent, OpenAIProvider, RunConfig, Runner, set_tracing_disabled
from agents.models.openai_responses import ResponsesWebSocketError
from telling import KEY, STRICT_KEY, URL, tell


def config(key: str, model: str) -> RunConfig:
    """Return how an agent reaches the server."""
    return RunConfig(
        model=model, model_provider=OpenAIProvider(api_key=key, base_url=URL, use_responses_websocket=True)
    )


async def main() -> None:
    """Hold the conversation and tell of it."""
    set_tracing_disabled(True)
    agent = Agent(name="tester")
    strict = config(STRICT_KEY, "gpt-4")
    first = await Runner.run(agent, "one", run_config=strict)
    said = [*first.to_input_list(), {"role": "user", "content": "two"}]
    second = await Runner.run(agent, said, run_config=strict)
    try:
        await Runner.run(agent, "three", run_config=strict)
    except ResponsesWebSocketError as error:
        refused = error
    running = Runner.run_streamed(agent, "long", run_config=config(KEY, "long"))
    stopped = ""
    async for event in running.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.created":
            stopped = event.data.response.id
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            running.cancel()
    tell(
        replies=[first.final_output, second.final_output],
        refused=refused,
        usage=second.context_wrapper.usage.output_tokens,
        stopped=stopped,
    )


asyncio.run(main())
