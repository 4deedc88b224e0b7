"""Read models: what the API shows, read in as few statements as possible, owner checked."""

from workflow.queries.events import LogPage, LogState, log_page, log_state, log_states
from workflow.queries.inbox import (
    inbox_after,
    inbox_page,
    mark_all_read,
    mark_read,
    unread_count,
)
from workflow.queries.learning import learner_progress
from workflow.queries.operations import (
    audit_findings,
    consuming_workers,
    job_ages,
    queue_state,
)
from workflow.queries.rejected import RejectedView, rejected_counts, rejected_messages
from workflow.queries.reviews import open_review
from workflow.queries.roadmaps import get_concept, get_roadmap
from workflow.queries.shapes import (
    ConceptPage,
    ConceptProgressView,
    ConceptView,
    ContentState,
    LearnerProgressView,
    NotificationView,
    QueueState,
    ReviewView,
    RoadmapView,
    ScheduleView,
    TaskUsageView,
    TaskView,
)
from workflow.queries.tasks import get_task, list_tasks, require_task
from workflow.queries.usage import get_usage

__all__ = [
    "ConceptPage",
    "ConceptProgressView",
    "ConceptView",
    "ContentState",
    "LearnerProgressView",
    "LogPage",
    "LogState",
    "NotificationView",
    "QueueState",
    "RejectedView",
    "ReviewView",
    "RoadmapView",
    "ScheduleView",
    "TaskUsageView",
    "TaskView",
    "audit_findings",
    "consuming_workers",
    "get_concept",
    "get_roadmap",
    "get_task",
    "get_usage",
    "inbox_after",
    "inbox_page",
    "job_ages",
    "learner_progress",
    "list_tasks",
    "log_page",
    "log_state",
    "log_states",
    "mark_all_read",
    "mark_read",
    "open_review",
    "queue_state",
    "rejected_counts",
    "rejected_messages",
    "require_task",
    "unread_count",
]
