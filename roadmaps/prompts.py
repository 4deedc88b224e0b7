"""Renders the prompts: one Jinja text per kind of call, with a `system` and a `user` block."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from llm.prompt import Message, Prompt
from roadmaps.inputs import CallKind, ConceptContext
from workflow import environment

if TYPE_CHECKING:
    import jinja2
    from pydantic import BaseModel

    from roadmaps.inputs import Inputs, Learner

_SHARED: Final = "_shared"
_KEPT: Final = 100
"""Beginnings of prompts that are kept: as many tasks may be written at a time without more work."""
USUAL_TOKENS: Final = {
    CallKind.INTENT_ANALYSIS: 1200,
    CallKind.CURRICULUM_DESIGN: 5000,
    CallKind.STRUCTURE_VALIDATION: 2500,
    CallKind.EDIT_PLAN_ANALYSIS: 2500,
    CallKind.ROADMAP_EDIT: 4000,
}
"""Prompt and answer of a roadmap of some thirty concepts."""


@dataclass(frozen=True, slots=True)
class RoadmapPrompt(Prompt):
    """A kind of call, and what its prompt is written from."""

    kind: str
    inputs: Inputs

    @property
    def text(self) -> str:
        """The prompt's text, before anything is filled in."""
        return text_of(self.kind)

    def messages(self) -> list[Message]:
        """Return the system message and the user's."""
        opening = rendered(self.text, self.inputs)
        return [
            {"role": "system", "content": opening.system},
            {"role": "user", "content": opening.user},
        ]

    @property
    def version(self) -> str:
        """What changes when the prompt's text does."""
        return version_of(self.text)

    @property
    def usual_tokens(self) -> int:
        """What a request of this kind usually takes."""
        return USUAL_TOKENS[CallKind(self.kind)]

    def digested(self) -> dict[str, Any]:
        """Return what of the inputs counts for the digest."""
        return self.inputs.digested()

    def sample(self) -> BaseModel | None:
        """Return the answer that is prepared for it."""
        from roadmaps.sample import written  # many texts, which a real author does not need

        return written(CallKind(self.kind), self.inputs)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """The two opening messages of a call."""

    system: str
    user: str


def rendered(text: str, inputs: Inputs) -> Opening:
    """Write a prompt from its text and what it is written from.

    Raises:
        jinja2.UndefinedError: The prompt names something that the inputs do not have.
    """
    template = _template(text)
    values = {name: getattr(inputs, name) for name in type(inputs).model_fields}
    # not by the template: for each rendering that looks anew which names are everybody's
    context = template.environment.context_class(
        template.environment, {**_globals(text), **values}, template.name, template.blocks
    )
    system, user = (
        "".join(template.blocks[block](context)).strip() for block in ("system", "user")
    )
    return Opening(system=system, user=user)


@cache
def version_of(text: str) -> str:
    """Return a digest of a prompt: it changes when its text does."""
    data = b"\0".join((text_of(_SHARED).encode(), text.encode()))
    return hashlib.sha256(data).hexdigest()[:16]


@cache
def text_of(kind: str) -> str:
    """Return the text of a prompt: a step's among the prompts, a content's beside its kind."""
    room = resources.files(__package__ or "roadmaps")
    found = (room.joinpath(folder, f"{kind}.j2") for folder in ("prompts", "kinds"))
    return next(file for file in found if file.is_file()).read_bytes().decode()


@cache
def _environment() -> jinja2.Environment:
    """Return what renders prompts; what all calls of a task begin with is written once for them."""
    made = environment(lambda name: text_of(name.removesuffix(".j2")))
    shared: Any = made.get_template(f"{_SHARED}.j2").module
    write_roadmap = shared.roadmap

    @lru_cache(maxsize=_KEPT)
    def roadmap(learner: Learner, topic: str, outline: str) -> str:
        return str(write_roadmap(learner, topic, ConceptContext(outline=outline)))

    shared.roadmap = lambda learner, topic, context: roadmap(learner, topic, context.outline)
    shared.rules = lru_cache(maxsize=_KEPT)(shared.rules)
    return made


@cache
def _template(text: str) -> jinja2.Template:
    return _environment().from_string(text)


@cache
def _globals(text: str) -> dict[str, Any]:
    """Return what templates may name beside their values; looking it all up takes long."""
    return dict(_template(text).globals)
