"""Tells the author of a content where its concept stands in the roadmap."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from roadmaps.inputs import ConceptContext
from roadmaps.outline import as_text

if TYPE_CHECKING:
    from roadmaps.outline import Outline

_GIVEN: Final = {*ConceptContext.model_fields}
"""One set for all of them: each of its own would be half of what a context takes."""


def contexts(outline: Outline) -> dict[str, ConceptContext]:
    """Return the context of every concept by its id; the outline's text is made once for all."""
    text = as_text(outline)
    concepts = list(outline.concepts())
    titles = {concept.concept_id: concept.title for concept in concepts}
    after = {one.concept_id: two.title for one, two in pairwise(concepts)}
    before = {two.concept_id: one.title for one, two in pairwise(concepts)}
    return {
        concept.concept_id: ConceptContext.model_construct(
            _GIVEN,
            outline=text,
            stage=stage.title,
            module=module.title,
            previous=before.get(concept.concept_id),
            next=after.get(concept.concept_id),
            prerequisites=tuple(titles[p] for p in concept.prerequisites if p in titles),
        )
        for stage in outline.stages
        for module in stage.modules
        for concept in module.concepts
    }
