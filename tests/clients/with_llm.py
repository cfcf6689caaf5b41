"""`llm`, the terminal tool and library, with models that its `extra-openai-models.yaml` names."""

import os
from pathlib import Path

import llm
import openai
from telling import KEY, STRICT_KEY, URL, tell

MODELS = """
- {{model_id: strict, model_name: gpt-4, api_base: "{url}", api_key_name: strict}}
- {{model_id: patient, model_name: long, api_base: "{url}", api_key_name: patient}}
"""


def main() -> None:
    """Hold the conversation and tell of it."""
    (Path(os.environ["LLM_USER_PATH"]) / "extra-openai-models.yaml").write_text(MODELS.format(url=URL))
    conversation = llm.get_model("strict").conversation()
    first = conversation.prompt("one", key=STRICT_KEY)
    replies = [first.text()]
    second = conversation.prompt("two", key=STRICT_KEY)
    replies.append(second.text())
    try:
        llm.get_model("strict").prompt("three", key=STRICT_KEY).text()
    except openai.RateLimitError as error:
        refused = error
    running = llm.get_model("patient").prompt("long", key=KEY)
    for piece in running:
        if piece:
            break
    tell(replies=replies, refused=refused, usage=second.usage().output, stopped=None)


main()
