"""What authors raise, and what they are told when a workflow contradicts itself."""

from __future__ import annotations

from core.errors import AppError


class WorkflowError(AppError):
    """A workflow is not in order; the message names it, the step, and what is wrong."""

    code = "invalid_workflow"


class PlanError(AppError):
    """The workflow's plan cannot say what comes next; mend it, then retry the task."""

    code = "plan_failed"


class ResultError(AppError):
    """A step gave what its annotation does not allow; mend the step, then retry the task."""

    code = "result_invalid"
