"""Changes to an outline: the reviewer's and the model's."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from core.errors import InvalidRequestError
from roadmaps.edits import apply_edits, apply_operations
from roadmaps.outputs import EditOperation
from roadmaps.requests import Edit
from tests.factories import outline

if TYPE_CHECKING:
    from roadmaps.outline import Outline

EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)


def edit(**fields: Any) -> Edit:
    """Return a reviewer's edit."""
    return EDIT.validate_python(fields)


def operation(op: str, **fields: Any) -> EditOperation:
    """Return a model's operation; what is not given is null."""
    nothing = dict.fromkeys(EditOperation.model_fields)
    return EditOperation.model_validate(nothing | {"op": op} | fields)


def titles(of: Outline) -> list[list[str]]:
    """Return the concepts' titles, module by module."""
    return [[concept.title for concept in module.concepts] for module in of.modules()]


def ids(of: Outline) -> dict[str, str]:
    """Return the concepts' ids by title."""
    return {concept.title: concept.concept_id for concept in of.concepts()}


def modules(of: Outline) -> list[str]:
    """Return the modules' ids."""
    return [module.module_id for module in of.modules()]


def test_rename() -> None:
    """A concept, module or stage gets another title and keeps its id."""
    before = outline(["A", "B"])
    after = apply_edits(
        before,
        [
            edit(op="rename", concept_id=ids(before)["A"], title="Z"),
            edit(op="rename", module_id=modules(before)[0], title="M"),
            edit(op="rename", stage_id=before.stages[0].stage_id, title="S"),
        ],
    )
    assert titles(after) == [["Z", "B"]]
    assert ids(after)["Z"] == ids(before)["A"]
    assert (after.stages[0].title, after.stages[0].modules[0].title) == ("S", "M")


def test_remove() -> None:
    """What is removed is no longer required, and parts left empty go with it."""
    before = outline(["A"], ["B", "C"], prerequisites={"B": ["A"], "C": ["A", "B"]})
    after = apply_edits(before, [edit(op="remove", concept_id=ids(before)["A"])])
    assert titles(after) == [["B", "C"]]
    wanted = {c.title: c.prerequisites for c in after.concepts()}
    assert wanted == {"B": (), "C": (ids(before)["B"],)}


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (None, ["A", "B", "N"]),
        (0, ["N", "A", "B"]),
        (99, ["A", "B", "N"]),
        (10**30, ["A", "B", "N"]),
    ],
)
def test_add(position: int | None, expected: list[str]) -> None:
    """A concept is added at a position, or at the end."""
    before = outline(["A", "B"])
    module = modules(before)[0]
    after = apply_edits(before, [edit(op="add", module_id=module, title="N", position=position)])
    assert titles(after) == [expected]
    assert ids(after).keys() - ids(before).keys() == {"N"}


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (None, ["B", "C", "A"]),
        (1, ["B", "A", "C"]),
        (0, ["A", "B", "C"]),
        (10**30, ["B", "C", "A"]),
    ],
)
def test_move_within(position: int | None, expected: list[str]) -> None:
    """Within its module a concept goes to a position among the others, or to the end."""
    before = outline(["A", "B", "C"])
    after = apply_edits(before, [edit(op="move", concept_id=ids(before)["A"], position=position)])
    assert titles(after) == [expected]


def test_move_elsewhere() -> None:
    """A concept moves to another module; one left empty disappears."""
    before = outline(["A"], ["B"])
    after = apply_edits(
        before,
        [edit(op="move", concept_id=ids(before)["A"], module_id=modules(before)[1], position=0)],
    )
    assert titles(after) == [["A", "B"]]
    assert modules(after) == modules(before)[1:]


def test_update() -> None:
    """Only the fields that are given change."""
    before = outline(["A", "B"])
    key = ids(before)["B"]
    after = apply_edits(
        before,
        [edit(op="update", concept_id=key, estimated_hours=7, prerequisites=[ids(before)["A"]])],
    )
    changed = next(c for c in after.concepts() if c.concept_id == key)
    assert (changed.estimated_hours, changed.difficulty) == (7, "beginner")
    assert changed.description == "About B."
    assert changed.prerequisites == (ids(before)["A"],)
    cleared = apply_edits(after, [edit(op="update", concept_id=key, prerequisites=[])])
    assert all(not c.prerequisites for c in cleared.concepts())


STRANGER = str(uuid.uuid4())


@pytest.mark.parametrize(
    "fields",
    [
        {"op": "rename", "concept_id": STRANGER, "title": "x"},
        {"op": "rename", "module_id": STRANGER, "title": "x"},
        {"op": "rename", "stage_id": STRANGER, "title": "x"},
        {"op": "remove", "concept_id": STRANGER},
        {"op": "add", "module_id": STRANGER, "title": "x"},
        {"op": "add", "module_id": "known", "title": "x", "prerequisites": [STRANGER]},
        {"op": "move", "concept_id": STRANGER},
        {"op": "move", "concept_id": "known", "module_id": STRANGER},
        {"op": "update", "concept_id": STRANGER, "difficulty": "advanced"},
        {"op": "update", "concept_id": "known", "prerequisites": [STRANGER]},
    ],
)
def test_unknown_target(fields: dict[str, Any]) -> None:
    """An edit of what is not there names itself, and nothing is applied."""
    before = outline(["A", "B"])
    known = {"concept_id": ids(before)["A"], "module_id": modules(before)[0]}
    given = {key: known[key] if value == "known" else value for key, value in fields.items()}
    good = edit(op="rename", concept_id=ids(before)["B"], title="Good")
    with pytest.raises(InvalidRequestError, match=rf"Edit 2 \({given['op']}\).*{STRANGER}"):
        apply_edits(before, [good, edit(**given)])


def test_nothing_left() -> None:
    """Edits that leave no concept are refused."""
    before = outline(["A"])
    with pytest.raises(InvalidRequestError, match="without concepts"):
        apply_edits(before, [edit(op="remove", concept_id=ids(before)["A"])])


def _sound(of: Outline) -> None:
    concepts = list(of.concepts())
    known = {concept.concept_id for concept in concepts}
    assert len(known) == len(concepts), "two concepts share an id"
    assert all(wanted in known for c in concepts for wanted in c.prerequisites)
    assert all(stage.modules for stage in of.stages)
    assert all(module.concepts for module in of.modules())
    assert concepts


@given(st.data())
def test_any_edits_keep_it_sound(data: st.DataObject) -> None:
    """Whatever valid edits are made: ids stay unique, prerequisites exist, no part is empty."""
    current = outline(["A", "B", "C"], ["D"], ["E", "F"], prerequisites={"D": ["A"], "F": ["E"]})
    for number in range(data.draw(st.integers(1, 12))):
        concept = st.sampled_from([c.concept_id for c in current.concepts()])
        module = st.sampled_from(modules(current))
        wanted = st.lists(concept, max_size=3, unique=True)
        position = st.none() | st.integers(0, 5)
        kind = data.draw(st.sampled_from(["rename", "remove", "add", "move", "update"]))
        fields: dict[str, Any] = {"op": kind}
        if kind == "add":
            fields |= {"module_id": data.draw(module), "title": f"N{number}"}
            fields |= {"prerequisites": data.draw(wanted), "position": data.draw(position)}
        else:
            fields["concept_id"] = data.draw(concept)
        if kind == "rename":
            fields["title"] = f"R{number}"
        if kind == "move":
            fields |= {"module_id": data.draw(module), "position": data.draw(position)}
        if kind == "update":
            fields["prerequisites"] = data.draw(wanted)
        if kind == "remove" and len(current.concept_ids()) == 1:
            continue
        before = current.concept_ids()
        current = apply_edits(current, [edit(**fields)])
        _sound(current)
        if kind == "remove":
            assert current.concept_ids() == before - {fields["concept_id"]}
        elif kind == "add":
            assert len(current.concept_ids() - before) == 1
        else:
            assert current.concept_ids() == before


# --- a model's operations ---------------------------------------------------------------------


def test_operations() -> None:
    """A model speaks of keys, ids or titles, in any case."""
    before = outline(["A", "B"], ["C"])
    after, skipped = apply_operations(
        before,
        [
            operation("add", module="m2", title="N", prerequisites=["C1", "b"]),
            operation("update", concept="c2", title="Z", estimated_hours=9),
            operation("move", concept=ids(before)["C"], module="Module 1"),
            operation("remove", concept=" A "),
        ],
    )
    assert skipped == []
    assert titles(after) == [["Z", "C"], ["N"]]
    new = next(c for c in after.concepts() if c.title == "N")
    assert new.prerequisites == (ids(before)["B"],)


def test_keys_mean_what_was_shown() -> None:
    """A key means the part it was shown for, whatever earlier operations did to the order."""
    before = outline(["A", "B", "C", "D"])
    after, skipped = apply_operations(
        before,
        [
            operation("remove", concept="C1"),
            operation("remove", concept="C2"),
            operation("move", concept="C3"),
            operation("update", concept="C4", title="Z"),
        ],
    )
    assert skipped == []
    assert titles(after) == [["Z", "C"]]


def test_keys_of_what_is_gone() -> None:
    """A key of a removed concept names nothing any more; a new concept goes by its title."""
    before = outline(["A", "B"])
    after, skipped = apply_operations(
        before,
        [
            operation("remove", concept="C1"),
            operation("update", concept="C1", title="Z"),
            operation("add", module="M1", title="N"),
            operation("update", concept="C2", prerequisites=["n"]),
        ],
    )
    assert len(skipped) == 1
    assert titles(after) == [["B", "N"]]
    assert next(after.concepts()).prerequisites == (ids(after)["N"],)


@pytest.mark.parametrize(
    "bad",
    [
        operation("remove", concept="C9"),
        operation("remove"),
        operation("update", concept="Nobody", title="x"),
        operation("move", concept="C9", module="M1"),
        operation("move", concept="C1", module="M9"),
        operation("add", module="M1"),
        operation("add", module="M1", title="   "),
        operation("update", concept="C1", title="   "),
    ],
)
def test_operation_that_does_not_fit(bad: EditOperation) -> None:
    """An operation that does not fit is left out and told; the others are applied."""
    before = outline(["A", "B"])
    after, skipped = apply_operations(before, [bad, operation("update", concept="C2", title="Z")])
    assert titles(after) == [["A", "Z"]]
    assert len(skipped) == 1
    assert skipped[0].startswith(bad.op)


def test_added_without_a_module() -> None:
    """What is added without a known module goes to the end."""
    after, skipped = apply_operations(outline(["A"], ["B"]), [operation("add", title="N")])
    assert (titles(after), skipped) == ([["A"], ["B", "N"]], [])


references = st.none() | st.sampled_from(["C1", "C2", "c3", "C9", "A", "b", "", "M1", "nobody"])


@given(
    st.lists(
        st.builds(
            operation,
            st.sampled_from(["add", "remove", "update", "move"]),
            concept=references,
            module=st.none() | st.sampled_from(["M1", "m2", "M7", "Module 2", ""]),
            title=st.none() | st.sampled_from(["", " ", "N", "A", "x" * 200]),
            description=st.none() | st.just("d"),
            prerequisites=st.none() | st.lists(st.sampled_from(["C1", "B", "zzz"]), max_size=3),
        ),
        max_size=10,
    )
)
def test_any_operations(operations: list[EditOperation]) -> None:
    """Whatever a model says, the result is sound, or has no concept at all; nothing is raised."""
    after, skipped = apply_operations(outline(["A", "B"], ["C"]), operations)
    assert len(skipped) <= len(operations)
    if any(True for _ in after.concepts()):
        _sound(after)


def test_many_edits_build_a_large_outline_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is made anew for an edit of its own, and not for those of all others."""
    names = [f"C{n}" for n in range(200)]
    before = outline(names, ["Z"])
    made = 0

    def counted(self: BaseModel, **given: Any) -> BaseModel:
        nonlocal made
        made += 1
        return model_copy(self, **given)

    model_copy = BaseModel.model_copy
    monkeypatch.setattr(BaseModel, "model_copy", counted)
    changes = [edit(op="rename", concept_id=ids(before)[name], title="N") for name in names]
    gone = [edit(op="remove", concept_id=ids(before)[name]) for name in names[:100]]
    assert titles(apply_edits(before, [*changes, *gone])) == [["N"] * 100, ["Z"]]
    assert made < 2 * len(names)
