"""What events tell of a part is made by hand, and has the shape that their model promises."""

from __future__ import annotations

from uuid import UUID

from notifications.event_data import PartData, part_told
from roadmaps.kinds import KINDS
from roadmaps.steps.content_generation import ContentGeneration
from workflow import Need
from workflow.parts import Wanted

CONCEPT = UUID(int=7)


def test_a_part_is_told_as_its_model_would() -> None:
    """All fields in the model's order, those included that only roadmaps fill."""
    told = part_told(kind="page", version=2, step="write", key="a", title="A")
    made = PartData(kind="page", version=2, step="write", key="a", title="A")
    assert list(told.items()) == list(made.model_dump(mode="json").items())


def test_a_content_is_told_with_its_concept() -> None:
    """The concept is named by what is the content's key, too."""
    need = Need(
        key=str(CONCEPT),
        title="Ownership",
        kind=next(iter(KINDS)),
        digest="d",
        inputs=None,
        columns={"concept_id": CONCEPT},
    )
    want = Wanted(content_id=UUID(int=1), step="content_generation", version=1, need=need)
    told = ContentGeneration().told(want)
    made = PartData(
        step=want.step,
        key=need.key,
        kind=need.kind,
        title=need.title,
        version=1,
        concept_id=CONCEPT,
        concept_title=need.title,
    )
    assert list(told.items()) == list(made.model_dump(mode="json").items())
