"""What the doctor finds."""

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from server.adapters.data_lock import locked


@contextmanager
def taken() -> Iterator[int]:
    """Hold a port that answers nobody."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def answering() -> Iterator[int]:
    """Run a server that is ready; yield its port."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def looked(parley: Any, name: str) -> tuple[str, str]:
    """Return state and text of the check `name`."""
    (check,) = [check for check in json.loads(parley("doctor", "--json").out) if check["name"] == name]
    return check["state"], check["text"] + " " + check["cure"]


def configure(folder: Path, text: str) -> None:
    """Write the configuration."""
    (folder / "parley.yaml").write_text(text, encoding="utf-8")


def test_an_empty_folder_is_in_order(parley: Any) -> None:
    """A first start has all that it needs, and the doctor changes nothing."""
    ran = parley("doctor", "--json")
    checks = json.loads(ran.out)
    assert {check["name"] for check in checks} >= {"configuration", "data folder", "database", "personas", "caps"}
    assert all(check["state"] == "ok" for check in checks if check["name"] != "listen"), checks
    assert ran.err == ""
    assert not Path("data").exists()
    assert parley("doctor").out.startswith("ok   configuration")


def test_a_mistake_in_the_configuration_fails(parley: Any, tmp_path: Path) -> None:
    """Everything else hangs on it, so it is all that is said."""
    configure(tmp_path, "listen: here\n")
    ran = parley("doctor")
    assert ran.code == 1
    assert ran.out.startswith("fail configuration  parley.yaml:1: listen: here is not an address.")


def test_a_running_server_is_seen(parley: Any, tmp_path: Path) -> None:
    """The lock says which process it is."""
    parley("migrate")
    assert looked(parley, "lock") == ("ok", "No server uses the data folder. ")
    with locked(tmp_path / "data"):
        state, text = looked(parley, "lock")
    assert state == "ok"
    assert text.startswith("A server runs: process ")


def test_a_port_in_use_by_something_else_fails(parley: Any, tmp_path: Path) -> None:
    """The cure is to stop it or to listen elsewhere."""
    with taken() as port:
        configure(tmp_path, f"listen: 127.0.0.1:{port}\n")
        state, text = looked(parley, "listen")
    assert state == "fail"
    assert "change `listen`" in text


def test_a_server_of_another_folder_at_the_address_fails(parley: Any, tmp_path: Path) -> None:
    """A start would not get the address, however ready its holder is; our own server there is in order."""
    with answering() as port:
        configure(tmp_path, f"listen: 127.0.0.1:{port}\n")
        parley("migrate")
        assert looked(parley, "listen")[0] == "fail"
        with locked(tmp_path / "data"):
            assert looked(parley, "listen") == ("ok", f"A server answers at http://127.0.0.1:{port}. ")


def test_a_damaged_database_fails(parley: Any, tmp_path: Path) -> None:
    """A file that is no database is told, with the way out."""
    parley("migrate")
    assert looked(parley, "database")[1].startswith("It is sound and up to date")
    for file in (tmp_path / "data").glob("parley.db*"):
        file.unlink()
    (tmp_path / "data" / "parley.db").write_text("not a database" * 99, encoding="utf-8")
    state, text = looked(parley, "database")
    assert state == "fail"
    assert "Restore a backup" in text


def test_databases_of_other_versions_are_told_apart(parley: Any, tmp_path: Path) -> None:
    """A newer one needs a newer program; an older one is brought up to date by the next start."""
    parley("migrate")
    for version, state in (("0000", "warn"), ("zzzz", "fail")):
        with closing(sqlite3.connect(tmp_path / "data" / "parley.db")) as database, database:
            database.execute("UPDATE alembic_version SET version_num = ?", (version,))
        assert looked(parley, "database")[0] == state


def test_upstreams_that_cannot_be_reached_or_used_are_told(parley: Any, tmp_path: Path) -> None:
    """No connection fails; a script warns; a disabled one is a warning of the configuration."""
    with taken() as port:
        configure(
            tmp_path,
            "upstreams:\n"
            f"  local: {{ base_url: http://127.0.0.1:{port}/v1 }}\n"
            "  script: { scripted: true }\n"
            "  unset: { base_url: http://127.0.0.1:9/v1, api_key: ${NO_SUCH_KEY} }\n",
        )
        assert looked(parley, "upstream local")[0] == "fail"
        assert looked(parley, "upstream script")[0] == "warn"
        assert looked(parley, "configuration")[0] == "warn"


def test_personas_with_errors_fail_with_their_line(parley: Any, tmp_path: Path) -> None:
    """So does a default persona that is not there."""
    configure(tmp_path, "personas: [mine]\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "broken.md").write_text("no front matter", encoding="utf-8")
    state, text = looked(parley, "personas")
    assert state == "fail"
    assert "broken.md:1: " in text
    configure(tmp_path, "default_persona: nobody\n")
    assert looked(parley, "personas") == (
        "fail",
        "There is no usable persona nobody. Correct `default_persona`, or the file.",
    )


def test_a_broken_file_whose_persona_goes_on_is_told(parley: Any, tmp_path: Path) -> None:
    """Beside the error the doctor says which revision answers meanwhile."""
    configure(tmp_path, "personas: [mine]\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "broken.md").write_text("no front matter", encoding="utf-8")
    parley("migrate")
    with closing(sqlite3.connect(tmp_path / "data" / "parley.db")) as database, database:
        database.execute("INSERT INTO persona_labels VALUES ('broken', 'live', 4)")
    ran = parley("doctor")
    assert "The file of broken has errors, so revision 4, the last good one, goes on answering." in ran.out
    assert ran.code == 1
