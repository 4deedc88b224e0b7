"""Read models: what the API shows, read in as few statements as possible, owner checked."""

from watching.queries.among import get_task_among
from watching.queries.events import LogPage, LogState, log_page, log_state, log_states
from watching.queries.inbox import (
    inbox_after,
    inbox_page,
    mark_all_read,
    mark_read,
    unread_count,
)
from watching.queries.last_hour import LastHourView, last_hour
from watching.queries.operations import (
    audit_findings,
    consuming_workers,
    job_ages,
    queue_state,
)
from watching.queries.rejected import RejectedView, rejected_counts, rejected_messages
from watching.queries.shapes import (
    NotificationView,
    QueueState,
    ScheduleView,
    TaskUsageView,
    TaskView,
)
from watching.queries.tasks import get_task, list_tasks, require_task
from watching.queries.usage import get_usage

__all__ = [
    "LastHourView",
    "LogPage",
    "LogState",
    "NotificationView",
    "QueueState",
    "RejectedView",
    "ScheduleView",
    "TaskUsageView",
    "TaskView",
    "audit_findings",
    "consuming_workers",
    "get_task",
    "get_task_among",
    "get_usage",
    "inbox_after",
    "inbox_page",
    "job_ages",
    "last_hour",
    "list_tasks",
    "log_page",
    "log_state",
    "log_states",
    "mark_all_read",
    "mark_read",
    "queue_state",
    "rejected_counts",
    "rejected_messages",
    "require_task",
    "unread_count",
]
