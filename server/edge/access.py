"""Who may call what: one table of all routes."""

from collections.abc import Mapping
from typing import Final, Literal

from server.core.records import Role

SOCKET: Final = "WEBSOCKET"

ACCESS: Final[Mapping[tuple[str, str], Role | Literal["public", "signed"]]] = {
    (SOCKET, "/v1/responses"): Role.USER,
    (SOCKET, "/v1/chat/completions"): Role.USER,
    ("GET", "/v1/responses"): "public",
    ("GET", "/v1/chat/completions"): "public",
    ("POST", "/v1/responses"): Role.USER,
    ("GET", "/v1/responses/{response_id}"): Role.USER,
    ("POST", "/v1/responses/{response_id}/cancel"): Role.USER,
    ("GET", "/v1/responses/{response_id}/made_of"): Role.USER,
    ("POST", "/v1/chat/completions"): Role.USER,
    ("GET", "/v1/models"): Role.USER,
    ("GET", "/v1/models/{model_id:path}"): Role.USER,
    ("GET", "/v1/personas"): Role.USER,
    ("GET", "/v1/personas/{name}"): Role.USER,
    ("GET", "/v1/conversations"): Role.USER,
    ("GET", "/v1/conversations/{conversation_id}"): Role.USER,
    ("POST", "/v1/conversations/{conversation_id}"): Role.USER,
    ("DELETE", "/v1/conversations/{conversation_id}"): Role.USER,
    ("GET", "/v1/conversations/{conversation_id}/items"): Role.USER,
    ("GET", "/v1/usage"): Role.USER,
    ("GET", "/admin/audit"): Role.OPERATOR,
    ("GET", "/admin/caps/policies"): Role.OPERATOR,
    ("POST", "/admin/caps/policies"): Role.OPERATOR,
    ("GET", "/admin/caps/policies/{revision}"): Role.OPERATOR,
    ("POST", "/admin/caps/policies/{revision}/publish"): Role.OPERATOR,
    ("GET", "/admin/caps/explain"): Role.OPERATOR,
    ("GET", "/admin/caps/extras"): Role.OPERATOR,
    ("POST", "/admin/caps/grants"): Role.OPERATOR,
    ("POST", "/admin/caps/overrides"): Role.OPERATOR,
    ("DELETE", "/admin/caps/extras/{extra_id}"): Role.OPERATOR,
    ("GET", "/admin/caps/adaptive"): Role.OPERATOR,
    ("PUT", "/admin/caps/adaptive/{rule}/pin"): Role.OPERATOR,
    ("DELETE", "/admin/caps/adaptive/{rule}/pin"): Role.OPERATOR,
    ("GET", "/admin/responses/{response_id}/prompt"): Role.OPERATOR,
    ("GET", "/admin/personas"): Role.OPERATOR,
    ("GET", "/admin/personas/{name}/revisions"): Role.OPERATOR,
    ("POST", "/admin/personas/{name}/revisions"): Role.OPERATOR,
    ("GET", "/admin/personas/{name}/revisions/{number}"): Role.OPERATOR,
    ("POST", "/admin/personas/{name}/revisions/{number}/recall"): Role.OPERATOR,
    ("POST", "/admin/personas/{name}/lint"): Role.OPERATOR,
    ("GET", "/admin/personas/{name}/diff/{old}/{new}"): Role.OPERATOR,
    ("POST", "/admin/personas/{name}/publish"): Role.OPERATOR,
    ("POST", "/admin/personas/{name}/rollback"): Role.OPERATOR,
    ("PUT", "/admin/personas/{name}/rollout"): Role.OPERATOR,
    ("POST", "/hooks/entitlements"): "signed",
    ("GET", "/healthz"): "public",
    ("GET", "/readyz"): "public",
    ("GET", "/metrics"): "public",
    ("GET", "/docs"): "public",
    ("GET", "/openapi.json"): "public",
}
"""By method and path template. `public` needs no key, `signed` a signature in its place."""
