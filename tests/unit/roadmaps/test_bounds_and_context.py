"""What fits a schema is usable, and what a writer is told of the rest of the roadmap."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from llm.schema import strict_schema
from roadmaps.edits import apply_operations
from roadmaps.kinds import KINDS
from roadmaps.kinds.quiz import QuizDraft, quiz_body
from roadmaps.kinds.resources import ResourceList
from roadmaps.outline import from_draft
from roadmaps.outputs import CurriculumDraft, EditScript
from roadmaps.standing import contexts
from tests.factories import outline
from tests.prompts import prompt_of, render
from tests.unit.roadmaps.test_schema_and_prompts import CONTENT, OUTPUTS
from workflow.asking import input_digest

if TYPE_CHECKING:
    from llm.output import Output

CONTENT_KINDS = tuple(KINDS)


def least(schema: dict[str, Any]) -> Any:
    """Return the least that fits a schema: shortest lists, first words of an enumeration.

    What an address is no schema says to all servers, but each model knows.
    """
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return least(schema["anyOf"][0])
    match schema["type"]:
        case "object":
            parts = {name: least(part) for name, part in schema["properties"].items()}
            return parts | ({"url": "https://example.org"} if "url" in parts else {})
        case "array":
            return [least(schema["items"]) for _ in range(schema.get("minItems", 0))]
        case "string":
            return "string"
        case _:
            return schema.get("minimum", 0)


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_least_that_fits_is_usable(output: type[Output]) -> None:
    """A server that knows nothing but the schema gives answers that can be worked with."""
    value = output.model_validate(least(strict_schema(output)))
    if isinstance(value, CurriculumDraft):
        assert [concept.title for concept in from_draft(value).concepts()] == ["string"]
    if isinstance(value, QuizDraft):
        assert len(quiz_body(value.questions)["questions"]) == 5
    if isinstance(value, EditScript):
        assert apply_operations(outline(["A"]), value.operations)[0].concept_ids()


@pytest.mark.parametrize(("output", "field", "few", "many"), [
    (QuizDraft, "questions", 5, 8), (ResourceList, "resources", 3, 10),
])  # fmt: skip
def test_lists_have_bounds(output: type[Output], field: str, few: int, many: int) -> None:
    """Bounds are said in the schema; fewer are taken as they are, of more the first are kept."""
    schema = strict_schema(output)["properties"][field]
    assert (schema["minItems"], schema["maxItems"]) == (few, many)
    one = least(schema["items"])
    assert len(getattr(output.model_validate({field: [one] * (many + 4)}), field)) == many
    assert len(getattr(output.model_validate({field: [one]}), field)) == 1
    with pytest.raises(ValidationError):
        output.model_validate({field: []})


@pytest.mark.parametrize("kind", CONTENT_KINDS)
def test_a_concept_is_written_with_the_roadmap_in_view(kind: str) -> None:
    """Outline, place, neighbours and prerequisites are shown; what all share comes first."""
    of = outline(["Wind", "Knots", "Launch"], ["Land"], prerequisites={"Launch": ["Wind"]})
    standing = contexts(of)
    prompts = {}
    for concept in of.concepts():
        inputs = CONTENT.model_copy(
            update={"title": concept.title, "context": standing[concept.concept_id]}
        )
        prompts[concept.title] = render(kind, inputs).user
    launch = prompts["Launch"]
    assert "<concept_before>\nKnots\n</concept_before>" in launch
    assert "<concept_after>\nLand\n</concept_after>" in launch
    assert "<prerequisites>\nWind\n</prerequisites>" in launch
    assert "<place>\nStage / Module 1\n</place>" in launch
    assert "concept_before" not in prompts["Wind"]
    columns = zip(*prompts.values(), strict=False)
    shared = "".join(column[0] for column in takewhile(lambda c: len(set(c)) == 1, columns))
    assert "C4 Land" in shared, "the outline is not in what all prompts have in common"


@pytest.mark.parametrize("kind", CONTENT_KINDS)
def test_context_makes_nothing_stale(kind: str) -> None:
    """An edit elsewhere leaves the digest as it is; one of the concept itself does not."""
    before, after = outline(["A", "B"]), outline(["A", "Other"], ["C"])
    digests = {
        input_digest(prompt_of(kind, CONTENT.model_copy(update={"context": context})))
        for of in (before, after)
        for context in contexts(of).values()
    }
    assert len(digests) == 1
    other = prompt_of(kind, CONTENT.model_copy(update={"title": "Else"}))
    assert input_digest(other) not in digests
