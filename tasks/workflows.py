"""Brings the workflows into a process."""

from __future__ import annotations

from workflow import registry
from workflow.roadmap import ROADMAP


def bring_workflows() -> None:
    """Make all workflows known in this process; twice is the same as once."""
    registry.register(ROADMAP)
