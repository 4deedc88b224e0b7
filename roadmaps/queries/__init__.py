"""Read models of roadmaps: trees, concepts, open reviews, and how far learners are."""

from roadmaps.queries.learning import learner_progress
from roadmaps.queries.reviews import open_review
from roadmaps.queries.roadmaps import get_concept, get_roadmap
from roadmaps.queries.shapes import (
    Concept,
    ConceptProgressView,
    LearnerProgressView,
    ReviewView,
    RoadmapView,
)

__all__ = [
    "Concept",
    "ConceptProgressView",
    "LearnerProgressView",
    "ReviewView",
    "RoadmapView",
    "get_concept",
    "get_roadmap",
    "learner_progress",
    "open_review",
]
