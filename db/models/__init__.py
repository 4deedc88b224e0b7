"""The tables."""

from db.models.base import Base
from db.models.learner import LearnerProgress
from db.models.model_abilities import ModelAbilities
from db.models.notification import Notification
from db.models.part import Part
from db.models.rejected import RejectedCount, RejectedMessage
from db.models.revocation import Revocation
from db.models.roadmap import Concept, Module, Outline, Rendering, Roadmap, Stage
from db.models.schedule import Schedule
from db.models.task import Checkpoint, Review, RoadmapTask, TaskEvent
from db.models.worker import Worker
from db.models.workflow import WorkflowStep

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
