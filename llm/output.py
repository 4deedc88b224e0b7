"""What structured completions have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Output(BaseModel):
    """A structured completion; unknown fields are dropped, all known ones are required."""

    model_config = ConfigDict(extra="ignore", frozen=True)
