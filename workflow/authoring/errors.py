"""What authors are told when a workflow contradicts itself, or its functions do."""

from __future__ import annotations

from core.errors import AppError, PlanError, ResultInvalidError

__all__ = ["PlanError", "ResultError", "WorkflowError"]


class WorkflowError(AppError):
    """A workflow is not in order; the message names it, the step, and what is wrong."""

    code = "invalid_workflow"


class ResultError(ResultInvalidError):
    """A step gave what its annotation does not allow; mend the step, then retry the task."""
