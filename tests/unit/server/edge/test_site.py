"""The pages for people, and what browsers are told about them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.edge import site
from tests.unit.server.edge.browser import error_of, visiting
from tests.unit.server.edge.doors import World

SCRIPT = "console.log('hello');" * 100


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in place of what was built."""
    monkeypatch.setattr(site, "BUILT", tmp_path)
    site.built.cache_clear()
    yield tmp_path
    site.built.cache_clear()


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    """Somebody without a key, before a page, a script, and a part to embed."""
    for name, text in {"index.html": "<!doctype html>", "assets/a-1.js": SCRIPT, "embed/v1/chat.js": SCRIPT}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with visiting(World(), headers={}) as one:
        yield one


@pytest.mark.parametrize("path", ["/", "/c/conv_1"])
def test_the_page_runs_nothing_but_its_own_files(client: TestClient, path: str) -> None:
    """The page may load from its server only, may not be framed, and is asked for anew each time."""
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (200, "<!doctype html>")
    policy = answer.headers["content-security-policy"]
    for rule in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


def test_parts_of_the_page_are_kept_and_come_packed(client: TestClient) -> None:
    """A part whose name changes with its content is kept for a year, and sent compressed to who takes that."""
    packed = client.get("/assets/a-1.js", headers={"accept-encoding": "gzip"})
    plain = client.get("/assets/a-1.js", headers={"accept-encoding": "identity"})
    assert packed.text == plain.text == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "access-control-allow-origin" not in plain.headers


def test_what_is_embedded_may_be_fetched_by_any_site(client: TestClient) -> None:
    """Modules are fetched with CORS, so the parts to embed allow every origin."""
    answer = client.get("/embed/v1/chat.js", headers={"origin": "https://host.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/embed/../index.html", "/embed/v1/none.js", "/assets/..%2findex.html"]
)
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    """A name that was not built is 404, whatever it climbs to."""
    assert error_of(client.get(path)) == (404, "not_found")


def test_without_a_build_the_page_says_how(folder: Path) -> None:
    """A server whose page was not built says what to do."""
    with visiting(World(), headers={}) as one:
        answer = one.get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text
