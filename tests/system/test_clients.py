"""Clients that people have, unmodified: each holds a conversation, meets a cap, reads usage and stops an answer."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.core.records import TextPart
from tests.harness import CONFIG, House, house

CLIENTS = Path(__file__).parents[1] / "clients" / os.environ.get("PARLEY_CLIENTS", "")
"""`make clients-latest` names a folder beside the pinned ones."""
PYTHON = CLIENTS / ".venv" / "bin" / "python"
NODE = shutil.which("node", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
FORTY = "".join(f" {index:04d}" for index in range(40))

LAST = " 2999"
"""How an answer of the model `long` ends, after a minute."""

LIBRARIES = {
    "with_openai.py": "openai.RateLimitError",
    "with_agents.py": "agents.models.openai_responses.ResponsesWebSocketError",
    "with_pydantic_ai.py": "pydantic_ai.exceptions.ModelRateLimitError",
    "with_langchain.py": "langchain_openai.chat_models.base.OpenAIRateLimitError",
    "with_litellm.py": "litellm.exceptions.RateLimitError",
    "with_llm.py": "openai.RateLimitError",
    "with_openai.mjs": "RateLimitError",
    "with_ai_sdk.mjs": "APICallError",
}
"""Each program, and the error in which its library says that a cap was reached."""


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[House]:
    """A server that also has a model with a very long answer."""
    models = CONFIG["models"] | {"long": {"upstream": "mock", "id": "t3000-d20", "context": 16000}}
    groups = CONFIG["groups"] | {"faulty": [*CONFIG["groups"]["faulty"], "long"]}
    async with house(tmp_path, {"models": models, "groups": groups}) as one:
        yield one


async def ran(house: House, folder: Path, program: str) -> dict[str, Any]:
    """Run a program of tests/clients as somebody who has two keys; return what it tells."""
    environment = {
        **os.environ,
        "OPENAI_BASE_URL": f"{house.address}/v1",
        "OPENAI_API_KEY": await house.key(),
        "STRICT_KEY": await house.key(user="bo", tier="strict"),
        "LLM_USER_PATH": str(folder),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    command = str(PYTHON) if program.endswith(".py") else str(NODE)
    process = await asyncio.create_subprocess_exec(
        command, str(CLIENTS / program), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, wrong = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, wrong.decode()
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


@pytest.mark.parametrize("program", LIBRARIES)
async def test_a_client_works(patient: House, tmp_path: Path, program: str) -> None:
    """Two turns of which the second knows the first, the library's own error at a cap, usage, and an answer stopped.

    Libraries that tell no id of an answer leave it; it goes on, as every answer whose client has gone.
    """
    told = await ran(patient, tmp_path, program)
    assert told["replies"] == [FORTY, FORTY]
    assert told["usage"] == 40
    assert told["refused"] == LIBRARIES[program], told["why"]
    second, long = patient.upstream.calls[1], patient.upstream.calls[-1]
    texts = ["".join(part.text for part in line.parts if isinstance(part, TextPart)) for line in second.messages]
    before, answer, now = texts[-3:]
    assert (before.splitlines()[-1], answer, now.splitlines()[-1]) == ("one", FORTY, "two")
    assert (long.model.alias, len(patient.upstream.calls)) == ("long", 3)
    if told["stopped"] is None:
        assert patient.upstream.open == 1
        return
    async with patient.http(await patient.key()) as http:
        stopped = (await http.post(f"/v1/responses/{told['stopped']}/cancel")).json()
    assert stopped["status"] == "cancelled"
    assert LAST not in json.dumps(stopped["output"])
