"""`/docs`: the HTTP surface as one page that needs nothing from anywhere else."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td{border-top:1px solid #8884;padding:.4rem .6rem;vertical-align:top}"
    "code{font-size:.95em;overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#9cf}}"
)


@router.get("/docs", response_class=HTMLResponse)
async def page(request: Request) -> str:
    """Return the operations of `/openapi.json` as a page."""
    return render(request.app.openapi())


def render(description: Mapping[str, Any]) -> str:
    """Return an API description as HTML."""
    title = escape(f"{description['info']['title']} {description['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><h1>{title}</h1>'
        '<p>The description for programs is <a href="/openapi.json">/openapi.json</a>. The WebSockets are '
        "<code>/v1/responses</code> and <code>/v1/chat/completions</code>.</p>"
        f"<table>{''.join(_rows(description['paths']))}</table></html>"
    )


def _rows(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            about = escape(operation.get("description", ""))
            yield f"<tr><td><code>{escape(method.upper())}</code><td><code>{escape(path)}</code><td>{about}"
