"""What structured completions have in common."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from llm.reading.rules import PLAIN, Rules


class Output(BaseModel):
    """A structured completion; unknown fields are dropped, all known ones are required."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    read_by: ClassVar[Rules] = PLAIN
    """What models say in place of what they were asked for."""
