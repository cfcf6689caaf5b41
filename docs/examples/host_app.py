"""A site with its own login that embeds <parley-chat>: `uvicorn host_app:app --app-dir docs/examples --port 9000`.

It keeps Parley's developer key to itself and gives each signed-in browser a client secret of its own user.
"""

import os
import secrets
from html import escape
from urllib.parse import parse_qs

import httpx
from fastapi import Cookie, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

PARLEY = os.environ.get("PARLEY_URL", "http://127.0.0.1:8000")
KEY = os.environ["PARLEY_DEVELOPER_KEY"]
# What the page may load and whom it may talk to. The chat needs nothing else: no inline script, no inline style.
POLICY = (
    f"default-src 'none'; script-src {PARLEY}; connect-src 'self' {PARLEY} {PARLEY.replace('http', 'ws', 1)}; "
    "img-src blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types parley"
)
LOGIN = (
    '<!doctype html><title>Shop</title><form method="post" action="/login"><input name="name" required><button>Log in'
)
PAGE = """<!doctype html><html lang="en"><title>Shop</title>
<script type="module" src="{parley}/embed/v1/parley-chat.js"></script>
<h1>Welcome, {name}</h1>
<parley-chat server="{parley}" credential-url="/chat-secret"></parley-chat></html>"""

app = FastAPI()
people: dict[str, str] = {}  # who is signed in, by session: a real site has this already


@app.get("/")
def page(session: str = Cookie("")) -> HTMLResponse:
    """Show the site, with the chat for who is signed in."""
    name = people.get(session)
    text = PAGE.format(parley=PARLEY, name=escape(name)) if name else LOGIN
    return HTMLResponse(text, headers={"content-security-policy": POLICY})


@app.post("/login")
async def login(request: Request) -> Response:
    """Sign somebody in; a real site asks for more than a name."""
    form = parse_qs((await request.body()).decode())
    people[session := secrets.token_urlsafe()] = form["name"][0]
    answer = RedirectResponse("/", 303)
    answer.set_cookie("session", session, httponly=True, samesite="strict")
    return answer


@app.post("/chat-secret")
async def chat_secret(request: Request, session: str = Cookie("")) -> dict[str, object]:
    """Give the browser of a signed-in user a secret: theirs, from this site only, good for ten minutes."""
    name = people.get(session)
    if name is None:
        raise HTTPException(401)
    wanted = {
        "user": name,
        "origin": str(request.base_url).rstrip("/"),
        "expires_after": {"anchor": "created_at", "seconds": 600},
    }
    async with httpx.AsyncClient(base_url=PARLEY, headers={"authorization": f"Bearer {KEY}"}) as parley:
        made = (await parley.post("/v1/realtime/client_secrets", json=wanted)).raise_for_status().json()
    return {"value": made["value"], "expires_at": made["expires_at"]}
