"""A roadmap as rows: stages, modules, concepts; their contents are parts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Key, Timestamp


class Roadmap(Base):
    """The head of a roadmap; its parts refer to it."""

    __tablename__ = "roadmaps"

    roadmap_id: Mapped[Key]
    task_id: Mapped[UUID] = mapped_column(
        ForeignKey("roadmap_tasks.task_id", ondelete="CASCADE"), unique=True
    )
    user_id: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    summary: Mapped[str]
    language: Mapped[str]
    version: Mapped[int]
    """1 for the first design, one more with each edit."""
    created_at: Mapped[Timestamp]
    updated_at: Mapped[Timestamp]


class Outline(Base):
    """One version of a roadmap's structure as it was, for diffs; written once per version."""

    __tablename__ = "outlines"

    roadmap_id: Mapped[UUID] = mapped_column(
        ForeignKey("roadmaps.roadmap_id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin: Mapped[str]
    """`design`, `edit` (the workflow's) or `review` (the reviewer's own edits)."""
    outline: Mapped[dict[str, Any]]
    created_at: Mapped[Timestamp]


class Stage(Base):
    """A part of the way."""

    __tablename__ = "stages"
    __table_args__ = (Index("ix_stages_roadmap_id", "roadmap_id"),)

    stage_id: Mapped[Key]
    roadmap_id: Mapped[UUID] = mapped_column(ForeignKey("roadmaps.roadmap_id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str]


class Module(Base):
    """A group of concepts."""

    __tablename__ = "modules"
    __table_args__ = (Index("ix_modules_stage_id", "stage_id"),)

    module_id: Mapped[Key]
    stage_id: Mapped[UUID] = mapped_column(ForeignKey("stages.stage_id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str]


class Concept(Base):
    """One thing to learn. A removed one stays, with its contents, out of sight."""

    __tablename__ = "concepts"
    __table_args__ = (
        CheckConstraint("estimated_hours > 0", name="estimated_hours"),
        CheckConstraint(
            "difficulty IN ('beginner', 'intermediate', 'advanced')", name="difficulty"
        ),
        CheckConstraint("(module_id IS NULL) = removed", name="module_unless_removed"),
        Index("ix_concepts_roadmap_id", "roadmap_id"),
        Index("ix_concepts_module_id", "module_id"),
    )

    concept_id: Mapped[Key]
    roadmap_id: Mapped[UUID] = mapped_column(ForeignKey("roadmaps.roadmap_id", ondelete="CASCADE"))
    module_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("modules.module_id", ondelete="SET NULL")
    )
    position: Mapped[int]
    title: Mapped[str]
    description: Mapped[str]
    estimated_hours: Mapped[float]
    difficulty: Mapped[str]
    prerequisites: Mapped[list[UUID]] = mapped_column(
        ARRAY(PG_UUID(as_uuid=True)), server_default=text("'{}'")
    )
    """Concepts of this roadmap to learn before, in no order."""
    removed: Mapped[bool] = mapped_column(server_default="false")


class Rendering(Base):
    """A tutorial as HTML, made once from a content's body; made anew by a newer renderer."""

    __tablename__ = "renderings"

    content_id: Mapped[UUID] = mapped_column(
        ForeignKey("parts.content_id", ondelete="CASCADE"), primary_key=True
    )
    renderer: Mapped[int]
    """Version of what made it."""
    html: Mapped[str]
    created_at: Mapped[Timestamp]
