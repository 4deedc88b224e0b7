"""Read models of roadmaps: trees, concepts, open reviews, and how far learners are."""

from roadmaps.queries.finding import find_texts
from roadmaps.queries.learning import begun_roadmaps, learner_progress
from roadmaps.queries.reviews import open_review
from roadmaps.queries.roadmaps import get_concept, get_roadmap
from roadmaps.queries.shapes import (
    Concept,
    ConceptProgressView,
    FoundTexts,
    LearnerProgressView,
    LearningList,
    ReviewView,
    RoadmapView,
)

__all__ = [
    "Concept",
    "ConceptProgressView",
    "FoundTexts",
    "LearnerProgressView",
    "LearningList",
    "ReviewView",
    "RoadmapView",
    "begun_roadmaps",
    "find_texts",
    "get_concept",
    "get_roadmap",
    "learner_progress",
    "open_review",
]
