"""The sample author: writes offline, without a model, the same texts for the same inputs."""

from __future__ import annotations

from roadmaps.sample.author import SampleAuthor

__all__ = ["SampleAuthor"]
