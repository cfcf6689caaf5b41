"""The lock on the data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.adapters.data_lock import DataInUse, holder, locked

HOLD = "import sys; from pathlib import Path; from server.adapters.data_lock import locked\n"
HOLD += "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    """The second one is refused and is told who holds it."""
    with locked(tmp_path), pytest.raises(DataInUse, match=str(os.getpid())) as refused, locked(tmp_path):
        pass
    assert refused.value.pid == os.getpid()


def test_a_folder_can_be_held_again(tmp_path: Path) -> None:
    """Leaving the context lets go."""
    for _ in range(2):
        with locked(tmp_path):
            assert holder(tmp_path) == os.getpid()


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    """A killed process leaves no lock behind, only a file."""
    root = Path(__file__).parents[4]
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(DataInUse) as refused, locked(tmp_path):
            pass
        child.kill()
    assert refused.value.pid == child.pid
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "not a number"])
def test_a_holder_that_did_not_write_itself_is_unknown(tmp_path: Path, text: str) -> None:
    """A file without a number names nobody, and neither does a folder without a file."""
    assert holder(tmp_path) is None
    (tmp_path / "parley.lock").write_text(text)
    assert holder(tmp_path) is None
    assert "another process" in str(DataInUse(tmp_path, None))
