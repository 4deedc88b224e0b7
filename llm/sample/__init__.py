"""The sample author: answers offline, without a key and without a model."""

from __future__ import annotations

from llm.sample.author import SampleAuthor

__all__ = ["SampleAuthor"]
