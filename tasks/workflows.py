"""Brings the workflows into a process."""

from __future__ import annotations

from roadmaps.roadmap import ROADMAP
from workflow import registry


def bring_workflows() -> None:
    """Make all workflows known in this process; twice is the same as once."""
    registry.register(ROADMAP)
