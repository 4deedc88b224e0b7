"""What a workflow tells of itself to people and programs: its steps, and the shapes of its data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class StepShape:
    """One step.

    Attributes:
        name: As in `current_step`.
        title: What people call it.
        reviewed: A human is asked about what it gave.
        parts: It makes parts.
        kinds: The kinds of parts that each of its keys has.
    """

    name: str
    title: str
    reviewed: bool = False
    parts: bool = False
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowShape:
    """A workflow.

    Attributes:
        name: As in `workflow` of its tasks.
        version: Of its steps.
        title: What people call it.
        description: What it does, if it says so.
        request_schema: JSON Schema of what is asked for.
        steps: In order.
        page: An ES module that draws its page, as `package:file`.
    """

    name: str
    version: int
    title: str
    description: str | None = None
    request_schema: dict[str, Any] = field(default_factory=dict)
    steps: tuple[StepShape, ...] = ()
    page: str | None = None


def in_words(name: str) -> str:
    """Return a name as people write it: `market_news` is `Market news`."""
    return name.replace("_", " ").strip().capitalize()
