"""`/v1/usage`: the tier of the user, and how full each of its caps is."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from server.edge.auth import CurrentActor, CurrentServices

router = APIRouter(tags=["usage"])


@router.get("/v1/usage")
async def usage(actor: CurrentActor, services: CurrentServices) -> Mapping[str, Any]:
    """Return what the user may still use, and when there is more."""
    return await services.quota.usage(actor)
