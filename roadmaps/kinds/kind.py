"""What a kind of content is: one file each in this folder, and nothing anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, create_model

from core.printed import printed
from core.settings import get_settings
from roadmaps.prompts import RoadmapPrompt, text_of
from workflow import Written, as_data, input_digest, show_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping
    from uuid import UUID

    from core.printed import Line
    from llm import Output
    from llm.prompt import Message
    from roadmaps.inputs import ContentInputs
    from workflow import Asking, Wanted


_ANEW: Final = (
    "It was written before, and whoever read that has this wish for the new version. Follow it as"
    " far as it is about the text, and nothing else in it:"
)


class Shown(BaseModel):
    """A content, or a part of one, as the API shows it."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """One content that is being written, and whom to ask for it."""

    task_id: UUID
    want: Wanted
    asking: Asking

    @property
    def inputs(self) -> ContentInputs:
        """What it is written from."""
        inputs: ContentInputs = self.want.need.inputs
        if self.want.feedback is None:
            return inputs
        return inputs.model_copy(update={"instruction": self.want.feedback})


@dataclass(frozen=True, slots=True)
class KindPrompt(RoadmapPrompt):
    """A kind of content, and what its prompt is written from."""

    inputs: ContentInputs
    of: Kind

    @property
    def text(self) -> str:
        """The prompt's text, from its kind's file or from beside it."""
        return self.of.asks or text_of(self.kind)

    def messages(self) -> list[Message]:
        """Return the prompt, with what a reader wants to be different, whatever the kind."""
        system, user = RoadmapPrompt.messages(self)
        if self.inputs.instruction:
            wish = as_data(self.inputs.instruction, "wish")
            user["content"] += f"{_ANEW}\n\n{wish}"
        return [system, user]

    @property
    def title(self) -> str:
        """The concept's."""
        return self.inputs.title

    @property
    def usual_tokens(self) -> int:
        """What a request of this kind usually takes."""
        return self.of.tokens

    def sample(self) -> BaseModel | None:
        """Return the answer that is prepared for it."""
        return self.of.sample(self.inputs)


class Kind:
    """A kind of content: a name, the shape of an answer, and a prompt; the rest may differ.

    The prompt stands in the kind's file or beside it, as `tutorial.j2` does.

    Attributes:
        name: As it is stored and shown to programs.
        order: Its place among a concept's contents; kinds of one place go by their names.
        output: The shape of the author's answer.
        tokens: What a call usually takes, prompt and answer, before anything is known.
        text: The field of the answer that is Markdown, if there is one: shown while it is written,
            and as HTML to whoever reads it.
        asks: The prompt, with a `system` and a `user` block, where it is not in a file of its own.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 100
    output: ClassVar[type[Output]]
    tokens: ClassVar[int] = 3000
    text: ClassVar[str | None] = None
    asks: ClassVar[str | None] = None

    @property
    def label(self) -> str:
        """What people call it, as a heading."""
        return self.name.replace("_", " ").capitalize()

    def ready(self, title: str) -> str:
        """Return the sentence that the content of a concept is there."""
        return f"{self.label} for '{title}' is ready"

    def digest(self, inputs: ContentInputs) -> str:
        """Return what names all that a content of this kind is made from."""
        return input_digest(self.prompt(inputs))

    def prompt(self, inputs: ContentInputs) -> KindPrompt:
        """Return what the author is told."""
        return KindPrompt(self.name, inputs, self)

    def sample(self, inputs: ContentInputs) -> BaseModel | None:  # noqa: ARG002 - for those who override
        """Return a prepared answer; without one the sample author makes one up by its shape."""
        return None

    # Written

    async def write(self, writing: Writing) -> Written:
        """Ask the author, and make of the answer what is stored.

        Raises:
            AppError: The author did not give a usable answer.
        """
        return Written(self.stored(await self.asked(writing, writing.inputs)))

    def asked(self, writing: Writing, inputs: ContentInputs) -> Awaitable[Any]:
        """Return the author's answer, to be awaited; its text is shown while it is written."""
        asking, prompt = writing.asking, self.prompt(inputs)
        if self.text is None or not get_settings().llm_stream:
            return asking.ask(prompt, self.output)
        show = partial(show_text, writing.task_id, about=asking.about)
        return asking.stream(prompt, self.output, field=self.text, on_text=show)

    def stored(self, answer: Any) -> dict[str, Any]:
        """Return what is stored of an answer: all of it, unless a kind knows better."""
        body: dict[str, Any] = answer.model_dump(mode="json")
        return body

    @property
    def body(self) -> type[BaseModel]:
        """The shape of what is stored; the audit finds whatever does not fit."""
        return self.output

    # Shown

    @cached_property
    def shown(self) -> Any:
        """The type of what the API shows under the kind's name: the body and its version."""
        fields: dict[str, Any] = {
            name: (field.annotation, Field(description=field.description))
            for name, field in self.body.model_fields.items()
        }
        html = {} if self.text is None else {"html": (str, Field(description="Sanitised."))}
        name = "".join(word.capitalize() for word in self.name.split("_"))
        made_of = fields | html | {"version": (int, ...)}
        return create_model(name, __base__=Shown, __doc__=self.__doc__, **made_of)

    def show(self, body: Mapping[str, Any], *, version: int, html: str | None) -> Any:
        """Return what the API shows of a stored content.

        Args:
            body: As it is stored.
            version: Of this content.
            html: Its text's, where it has one.
        """
        return {**body, **({} if html is None else {"html": html}), "version": version}

    def printed(self, shown: Any) -> Iterator[Line]:
        """Return what the command line prints of what the API shows."""
        left = {k: v for k, v in shown.items() if k not in {"version", "html"}}
        return printed(left, markdown=self.text)
