"""Refusals of the catalogue that more than one use case says, and what the caps and the screen say."""

from collections.abc import Mapping
from typing import Any

import ratelimit
from ratelimit import wording, wording_zh
from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.moments import rfc3339
from server.core.ports import Verdict


def cap_refused(refused: ratelimit.Refused, now: int, locale: str | None = None) -> Refused:
    """Return the one shape of a refusal by caps, in the language of `locale`; `now` in microseconds."""
    if refused.limit is not None and refused.limit.whose == "credential":
        return Refused(
            "client_secret_spent",
            f"This client secret has served the {refused.limit.cap} messages that it was made for; get a new one.",
        )
    say = wording_zh.message if speaks_chinese(locale) else wording.message
    return Refused(
        refused.code,
        say(refused, now=now),
        param="model",
        extra=_members(refused),
        headers=wording.headers(refused, now=now),
    )


def speaks_chinese(locale: str | None) -> bool:
    """Return whether sentences are to be Chinese; there are English ones for everybody else."""
    return locale is not None and locale.partition("-")[0] == "zh"


def headers_of(held: ratelimit.Held, now: int) -> Mapping[str, str]:
    """Return what a served request tells of the caps it was charged to."""
    return wording.headers(held, now=now)


def caps_away() -> Refused:
    """Return the refusal while nobody can say what of the caps is left."""
    return Refused(
        "storage_unavailable", "The caps cannot be checked now. Nothing was charged.", headers={"retry-after": "1"}
    )


def draining() -> Refused:
    """Return the refusal of a node that shuts down."""
    return Refused("draining", "This node is shutting down; connect again.", headers={"retry-after": "1"})


def no_conversation(conversation_id: str, param: str = "conversation") -> Refused:
    """Return the refusal of a conversation that is not there, or that is another user's."""
    return Refused("conversation_not_found", f"Conversation with id '{conversation_id}' not found.", param=param)


def no_message(message_id: str, param: str) -> Refused:
    """Return the refusal of a message that is not in the conversation."""
    return Refused("message_not_found", f"Message with id '{message_id}' not found in this conversation.", param=param)


def position_lost(live: LiveTurn, position: int) -> Refused:
    """Return the refusal of a position that the turn has not come to."""
    return Refused(
        "stream_position_lost",
        f"Response '{live.turn.id}' has come to {live.position}, not to {position}. Read it from the beginning.",
        param="starting_after",
    )


def blocked(verdict: Verdict) -> Refused:
    """Return the refusal of a message that meets a rule of this deployment; it does not repeat what was met."""
    return Refused(
        "content_blocked",
        f"This message meets a rule of this deployment ({verdict.category}) and was not sent. Nothing was charged.",
        param="input",
    )


def _members(refused: ratelimit.Refused) -> dict[str, Any]:
    if refused.code == "model_not_in_tier":
        return {"tiers": list(refused.tiers)}
    limit = refused.limit
    return {
        "limit": {
            "id": limit.id,
            "cap": limit.cap,
            "used": limit.used,
            "unit": limit.unit,
            "window_seconds": limit.window_seconds,
        }
        if limit
        else None,
        "next_at": rfc3339(refused.next_at),
        "retry_after_seconds": refused.retry_after_seconds,
        "at_most": refused.at_most,
        "full_at": rfc3339(refused.full_at),
        "charged": False,
        "options": [_option(option.do, model=option.model, tier=option.tier) for option in refused.options],
    }


def _option(do: str, **names: str | None) -> dict[str, str]:
    return {"do": do} | {name: value for name, value in names.items() if value is not None}
