"""Plans and makes the sample author's edits from feedback, on the outline that it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roadmaps.outputs import EditIntent, EditOperation, EditPlan, EditScript
from roadmaps.sample.feedback import Request, named, named_module, read_feedback
from roadmaps.sample.library import fill, phrases
from roadmaps.sample.mending import mend, operation_of, scaled, update
from roadmaps.sample.outline import Outline, read_outline
from roadmaps.sample.subject import cleaned, shortened

if TYPE_CHECKING:
    from roadmaps.inputs import EditInputs, PlanInputs
    from roadmaps.outputs import Difficulty
    from roadmaps.sample.library import EditPhrases

_TITLE_LENGTH: Final = 120
_ADDED_HOURS: Final = 3.0
_PACE: Final = {"shorter": 0.7, "longer": 1.4}
_STEPS: Final[tuple[Difficulty, ...]] = ("beginner", "intermediate", "advanced")
_ACTIONS: Final = {"add": "add", "remove": "remove", "update": "modify", "move": "move"}


def edit_plan(inputs: PlanInputs) -> EditPlan:
    """Say what must change: one intent for each change that the edit will make."""
    outline = read_outline(inputs.outline)
    operations = _operations(inputs, outline)
    wish = shortened(cleaned(inputs.feedback), 300)
    intents = [
        EditIntent.model_validate(
            {
                "action": _ACTIONS[operation.op],
                "target": shortened(_target(operation, outline), 200),
                "instruction": _instruction(operation, wish),
            }
        )
        for operation in operations
    ]
    summary = fill(phrases(inputs.language).edit.summary, count=len(intents))
    return EditPlan(summary=summary, intents=intents)


def edit_script(inputs: EditInputs) -> EditScript:
    """Make the changes; the feedback is read again, so the plan's wording does not matter."""
    operations = _operations(inputs, read_outline(inputs.outline))
    summary = fill(phrases(inputs.language).edit.summary, count=len(operations))
    return EditScript(summary=summary, operations=operations)


def _operations(inputs: PlanInputs, outline: Outline) -> list[EditOperation]:
    if inputs.source == "structure_validation":
        mended = mend(outline, inputs.feedback, inputs.learner, inputs.language)
        if mended:
            return mended
    said = phrases(inputs.language).edit
    operations: list[EditOperation] = []
    for request in read_feedback(inputs.feedback):
        operations += _for_request(request, outline, said)
    return _without_leftovers(operations, outline)


def _for_request(request: Request, outline: Outline, said: EditPhrases) -> list[EditOperation]:
    everything = list(outline.concepts)
    match request.wish:
        case "remove":
            keys = named(outline, request.a)
            # Removing the whole roadmap is never what a single remark asks for.
            return [] if len(keys) == len(everything) else [_removed(key) for key in keys]
        case "rename":
            keys = named(outline, request.a)[:1]
            return [update(key, title=request.b) for key in keys if request.b]
        case "move":
            module = named_module(outline, request.b)
            keys = named(outline, request.a)
            return [operation_of("move", concept=key, module=module) for key in keys]
        case "add":
            return _added(request, outline, said)
        case "practice":
            return _practice(outline, said)
        case "shorter" | "longer":
            return scaled(outline, _meant(request, outline), _PACE[request.wish])
        case "easier" | "harder":
            return _harder(outline, _meant(request, outline), 1 if request.wish == "harder" else -1)
        case _:
            return _noted(request, outline, said)


def _removed(key: str) -> EditOperation:
    return operation_of("remove", concept=key)


def _new(
    outline: Outline, *, title: str, description: str, module: str, after: list[str]
) -> list[EditOperation]:
    title = shortened(title[:1].upper() + title[1:], _TITLE_LENGTH)
    description = description[:1].upper() + description[1:]
    if any(concept.title.casefold() == title.casefold() for concept in outline.concepts.values()):
        return []
    return [
        operation_of(
            "add",
            module=module,
            title=title,
            description=description,
            estimated_hours=_ADDED_HOURS,
            difficulty="intermediate",
            prerequisites=after,
        )
    ]


def _added(request: Request, outline: Outline, said: EditPhrases) -> list[EditOperation]:
    what = request.a
    module = named_module(outline, what)
    description = fill(said.added, what=what)
    if "module" not in request.words.lower() and "\u6a21\u5757" not in request.words:
        return _new(outline, title=what, description=description, module=module, after=[])
    # An outline's operations know concepts only: a wished-for module becomes two of them.
    operations = []
    for template in (said.first_of_two, said.second_of_two):
        title = fill(template, what=what)
        text = fill(said.added, what=title)
        operations += _new(outline, title=title, description=text, module=module, after=[])
    return operations


def _practice(outline: Outline, said: EditPhrases) -> list[EditOperation]:
    operations = []
    for stage, title in outline.stages.items():
        concepts = outline.in_stage(stage)
        if concepts:
            operations += _new(
                outline,
                title=fill(said.added_practice_title, what=title),
                description=fill(said.added_practice, what=title),
                module=concepts[-1].module,
                after=[concepts[-1].key],
            )
    return operations


def _meant(request: Request, outline: Outline) -> list[str]:
    return named_in(request.words, outline) or list(outline.concepts)


def named_in(words: str, outline: Outline) -> list[str]:
    """Return the concepts whose own or whose module's title stands in the words."""
    low = words.casefold()
    modules = {m.key for m in outline.modules.values() if m.title.casefold() in low}
    return [
        c.key for c in outline.concepts.values() if c.title.casefold() in low or c.module in modules
    ]


def _harder(outline: Outline, keys: list[str], step: int) -> list[EditOperation]:
    operations = []
    for key in keys:
        now = _STEPS.index(outline.concepts[key].difficulty)
        new = min(len(_STEPS) - 1, max(0, now + step))
        if new != now:
            operations.append(update(key, difficulty=_STEPS[new]))
    return operations


def _noted(request: Request, outline: Outline, said: EditPhrases) -> list[EditOperation]:
    keys = named_in(request.words, outline)
    if keys:
        return [
            update(
                key,
                description=fill(
                    said.attention,
                    title=outline.concepts[key].title,
                    wish=shortened(request.words, 300),
                ),
            )
            for key in keys
        ]
    module = next(reversed(outline.modules), "M1")
    description = fill(said.added, what=request.a)
    return _new(outline, title=request.a, description=description, module=module, after=[])


def _without_leftovers(operations: list[EditOperation], outline: Outline) -> list[EditOperation]:
    removed = {operation.concept for operation in operations if operation.op == "remove"}
    kept: list[EditOperation] = []
    seen: set[str] = set()
    for operation in operations:
        text = operation.model_dump_json()
        if text in seen or (operation.op != "remove" and operation.concept in removed):
            continue
        seen.add(text)
        kept.append(operation)
    if not removed:
        return kept
    for key, concept in outline.concepts.items():
        if key not in removed and removed & set(concept.after):
            rest = [name for name in concept.after if name not in removed]
            kept.append(update(key, prerequisites=rest))
    return kept


def _target(operation: EditOperation, outline: Outline) -> str:
    if operation.concept in outline.concepts:
        return outline.concepts[operation.concept].title
    return operation.title or ""


def _instruction(operation: EditOperation, wish: str) -> str:
    changes = operation.model_dump(exclude={"op", "concept"}, exclude_none=True)
    named_changes = ", ".join(f"{name}: {value}" for name, value in changes.items())
    return shortened(f"{named_changes} \u2014 {wish}".removeprefix(" \u2014 "), 1000)
