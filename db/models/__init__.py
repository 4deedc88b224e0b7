"""The tables."""

from db.models.base import Base
from db.models.learner import LearnerProgress
from db.models.notification import Notification
from db.models.operations import (
    ModelAbilities,
    QueueMinute,
    RejectedCount,
    RejectedMessage,
    Revocation,
    Schedule,
    Worker,
)
from db.models.part import Part
from db.models.roadmap import Concept, Module, Outline, Rendering, Roadmap, Stage
from db.models.task import Checkpoint, Review, RoadmapTask, TaskEvent, WorkflowStep

__all__ = [
    "Base",
    "Checkpoint",
    "Concept",
    "LearnerProgress",
    "ModelAbilities",
    "Module",
    "Notification",
    "Outline",
    "Part",
    "QueueMinute",
    "RejectedCount",
    "RejectedMessage",
    "Rendering",
    "Review",
    "Revocation",
    "Roadmap",
    "RoadmapTask",
    "Schedule",
    "Stage",
    "TaskEvent",
    "Worker",
    "WorkflowStep",
]
