"""The workflows that some process has brought, by the names of their steps."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class WorkflowStep(Base):
    """A name that `current_step` may have in tasks of a workflow; those of all its versions.

    Written when a process starts that knows the workflow.
    """

    __tablename__ = "workflow_steps"

    workflow: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
