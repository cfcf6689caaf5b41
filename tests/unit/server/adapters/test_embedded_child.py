import json
import subprocess
import sys

import pytest

from server.adapters import embedded_child

ORDER = {
    "weights": "missing.gguf",
    "alias": "m",
    "context": 64,
    "parallel": 1,
    "max_output": 8,
    "cache_mib": 0,
    "threads": 1,
    "key": "k",
}


@pytest.mark.parametrize("order", [json.dumps(ORDER), "what?", "{}"])
def test_tells_its_parent_what_is_wrong(order: str) -> None:
    """A child that cannot serve says so in one line of JSON, keeps quiet otherwise, and ends with its input."""
    command = [sys.executable, "-P", embedded_child.__file__]
    run = subprocess.run(command, input=f"{order}\n", capture_output=True, text=True, check=True, timeout=60)
    assert list(json.loads(run.stdout)) == ["error"]
    assert not run.stderr
