"""The kinds of content that a concept has: each file of this folder brings one."""

from __future__ import annotations

from core.printed import printed
from roadmaps.kinds.kind import Kind, Writing
from roadmaps.kinds.known import KINDS, ContentKind, kind_of

__all__ = ["KINDS", "ContentKind", "Kind", "Writing", "kind_of", "printed"]
