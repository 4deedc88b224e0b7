"""What a kind of content is: one file each in this folder, and nothing anywhere else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from roadmaps.prompts import RoadmapPrompt
from workflow.asking import input_digest

if TYPE_CHECKING:
    from uuid import UUID

    from notifications.events import PartData
    from roadmaps.inputs import CallKind, ContentInputs
    from workflow.asking import Asking
    from workflow.definition import Written
    from workflow.parts import Wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """One content that is being written, and whom to ask for it."""

    task_id: UUID
    want: Wanted
    about: PartData
    """As events tell it."""
    asking: Asking

    @property
    def inputs(self) -> ContentInputs:
        """What it is written from."""
        inputs: ContentInputs = self.want.need.inputs
        return inputs


class Kind(ABC):
    """A kind of content.

    Attributes:
        name: As it is stored and shown to programs.
        call: What the author is asked for.
    """

    name: ClassVar[str]
    call: ClassVar[CallKind]

    @abstractmethod
    def ready(self, title: str) -> str:
        """Return the sentence that the content of a concept is there."""

    @abstractmethod
    async def write(self, writing: Writing) -> Written:
        """Ask the author, and make of the answer what is stored.

        Raises:
            AppError: The author did not give a usable answer.
        """

    def digest(self, inputs: ContentInputs) -> str:
        """Return what names all that a content of this kind is made from."""
        return input_digest(self.prompt(inputs))

    def prompt(self, inputs: ContentInputs) -> RoadmapPrompt:
        """Return what the author is told."""
        return RoadmapPrompt(self.call, inputs)
