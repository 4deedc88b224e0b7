"""The sample texts of roadmaps: prepared, so that the same inputs always give the same ones."""

from __future__ import annotations

from roadmaps.sample.writing import written

__all__ = ["written"]
