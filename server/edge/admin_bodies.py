"""What operators send about personas, as the API description shows it, and how paths name what it is about."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel

from server.core.ports_operator import LIVE
from server.edge.fields import LARGEST

PersonaName = Annotated[str, Path(pattern=r"^[a-z0-9](-?[a-z0-9]){0,63}$")]
Number = Annotated[int, Path(ge=1, le=LARGEST)]


class SourceBody(BaseModel):
    """A persona's text, as its file would hold it."""

    source: str
    note: str = ""
    origin: Literal["console", "import"] = "console"


class PublishBody(BaseModel):
    """Which revision, the draft if none is named; and the label that is to point at it."""

    revision: int | None = None
    label: str = LIVE


class RollbackBody(BaseModel):
    """Whether the revision that was live is recalled too."""

    recall: bool = False


class ShareBody(BaseModel):
    """A part of all users."""

    revision: int
    percent: int


class RolloutBody(BaseModel):
    """Who gets another revision than the live one; none ends the rollout."""

    shares: list[ShareBody]
