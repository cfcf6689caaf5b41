"""What programs of tests are told and tell: their keys come in the environment, and they print one line of JSON."""

import json
import os
from typing import Any

KEY = os.environ["OPENAI_API_KEY"]
STRICT_KEY = os.environ["STRICT_KEY"]
"""Of a user who may send two messages to `gpt-4`."""
URL = os.environ["OPENAI_BASE_URL"]


def tell(*, replies: list[str], refused: BaseException, usage: int | None, stopped: str | None) -> None:
    """Print how it went: what was answered, how the library says that a cap was reached, and what was stopped.

    `stopped` is None where the library does not say which answer it left.
    """
    named = f"{type(refused).__module__}.{type(refused).__qualname__}"
    told: dict[str, Any] = {
        "replies": replies,
        "refused": named,
        "why": str(refused),
        "usage": usage,
        "stopped": stopped,
    }
    print(json.dumps(told))
