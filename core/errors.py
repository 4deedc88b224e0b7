"""The error tree: a stable `code` for each error, a message that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_TEXTS: Final = ("code", "message", "step", "trace")
_UNKNOWN: Final = {"code": "internal_error", "message": ""}


class AppError(Exception):
    """Something went wrong in roadmap-worker."""

    code: str = "internal_error"

    def __init__(
        self, message: str | None = None, *, code: str | None = None, **details: Any
    ) -> None:
        """Keep the message (the class's docstring by default) and machine-readable details.

        Args:
            message: What happened and what to do.
            code: A code other than the class's, where one error stands for others.
            details: Facts for programs.
        """
        if code is not None:
            self.code = code
        self.message = message or (type(self).__doc__ or "").strip()
        self.details = details
        super().__init__(self.message)


class SettingsError(AppError):
    """A setting is unknown or has a value that cannot be used."""

    code = "invalid_settings"


# --- requests that cannot be carried out ------------------------------------------------------


class InvalidRequestError(AppError):
    """The request cannot be understood or breaks a rule; nothing was changed."""

    # where single fields are wrong, `details["fields"]` has a path, a message and a rule for each;
    # where it is a parameter or a header, `details["places"]` has the same with the whole path
    code = "invalid_request"

    @classmethod
    def at(cls, where: str, name: str, said: str) -> InvalidRequestError:
        """Return the error for what is not in a request's body.

        Args:
            where: `query` or `header`.
            name: What it is called there.
            said: What is wrong with it.
        """
        place = (f"{where}.{name.lower()}", said, "value_error")
        return cls(f"`{name}` {said}.", places=[place])


class NotFoundError(AppError):
    """There is no such thing, or it belongs to somebody else."""

    code = "not_found"


class UnknownWorkflowError(NotFoundError):
    """No workflow of that name is known here."""

    code = "unknown_workflow"


class ConflictError(AppError):
    """The state does not allow this now; nothing was changed."""

    code = "conflict"


class AlreadyThereError(ConflictError):
    """There is a task of this id already; nothing was changed."""


class StaleVersionError(ConflictError):
    """The version you acted on is no longer the current one; read it again and decide anew."""

    code = "stale_version"


class IdempotencyMismatchError(InvalidRequestError):
    """This Idempotency-Key was used with another body; use a new key for a new request."""

    code = "idempotency_mismatch"


class TooManyRequestsError(AppError):
    """You asked more often than allowed; wait as long as `Retry-After` says."""

    code = "too_many_requests"


class TooManyTasksError(TooManyRequestsError):
    """You have as many tasks waiting as allowed; wait for one to start or cancel one."""

    code = "too_many_tasks"


class QuotaExceededError(TooManyRequestsError):
    """You have had as much in a day as allowed; wait as long as `Retry-After` says."""

    code = "quota_exceeded"


class UnauthenticatedError(AppError):
    """The credentials are missing, malformed or expired."""

    code = "unauthenticated"


class ForbiddenError(AppError):
    """Your role does not allow this."""

    code = "forbidden"


# --- running a task ---------------------------------------------------------------------------


class LeaseLostError(AppError):
    """This worker no longer holds the task: another one took over, or it was cancelled."""

    code = "lease_lost"


class IllegalTransitionError(AppError):
    """A write asked for a status or step that the task's life does not allow."""

    code = "illegal_transition"


class StepTimeoutError(AppError):
    """The step took longer than STEP_TIMEOUT_S; retry the task, or raise the setting."""

    code = "step_timeout"


class TaskTimeoutError(AppError):
    """The task took longer than TASK_TIMEOUT_S; retry continues where it stopped."""

    code = "task_timeout"


class TaskExpiredError(AppError):
    """No worker began the task by the time that its message set; retry it if it is still wanted."""

    code = "expired"


class UnreadableRecordError(AppError):
    """What is stored of the task cannot be read by this version; ask for the task anew."""

    code = "unreadable_record"


class UpgradeError(AppError):
    """The task cannot be taken over into this version of its workflow; mend the upgrade, retry."""

    code = "upgrade_failed"


class WorkerLostRepeatedlyError(AppError):
    """The task lost its worker MAX_ATTEMPTS times in a row; read the workers' logs, then retry."""

    code = "worker_lost"


class UnexpectedError(AppError):
    """An unexpected error; its traceback is in the worker's log, and shown to admins."""

    code = "unexpected_error"


class ResultTooLargeError(AppError):
    """What a step or a part gave is too large to be stored."""

    code = "result_too_large"


class ResultInvalidError(AppError):
    """What a step or a part gave cannot be stored."""

    code = "result_invalid"


class InvalidPartError(AppError):
    """A step lists a part that cannot be one."""

    code = "invalid_part"


class TooManyPartsError(AppError):
    """A step lists more parts than it may."""

    code = "too_many_parts"


class PlanError(AppError):
    """The workflow's plan cannot say what comes next; mend it, then retry the task."""

    code = "plan_failed"


class TooManyStepsError(AppError):
    """The task finished more steps than it may: its plan goes round in circles."""

    code = "too_many_steps"


class TokenBudgetExceededError(AppError):
    """The task used up ROADMAP_MAX_TOKENS_PER_TASK; raise it and retry to go on."""

    code = "token_budget_exceeded"


# --- what we depend on ------------------------------------------------------------------------


class ServiceUnavailableError(AppError):
    """A service that is needed for this cannot be reached; try again shortly."""

    code = "service_unavailable"


def readable(stored: Any) -> Mapping[str, Any]:
    """Return what is stored as an object; of anything else, an empty one."""
    return stored if isinstance(stored, Mapping) else {}


def readable_error(stored: Any) -> dict[str, str]:
    """Return the texts of a stored error; `code` and `message` are always among them.

    Another version, or somebody's hand, may have written it: one row must not keep a list from
    being shown, and the audit tells of it.
    """
    known = readable(stored)
    return _UNKNOWN | {name: known[name] for name in _TEXTS if isinstance(known.get(name), str)}
