"""How shapes are declared."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Taken(BaseModel):
    """What a client sends. Members that are not known are accepted and change nothing."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)


class Sent(BaseModel):
    """What the server sends: these members and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


def absent() -> Any:
    """Declare a member that is left out where there is nothing to say, and is not null."""
    # A factory, because a default value would stand in the description.
    return Field(default_factory=lambda: None)


Lane = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,256}$")]
"""What a `stream_id` looks like."""
