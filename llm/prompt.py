"""What a model is told: anything that can render itself into messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

Message = dict[str, str]
"""`role` and `content`."""

_LETTERS_PER_TOKEN: Final = 4
_ANSWER_TOKENS: Final = 2000
"""A page or two, before any answer was seen."""


class Prompt(ABC):
    """The opening messages of a call, and what else is known of calls like it.

    Attributes:
        kind: A short name for such calls: in metrics and logs, and as that of the answer's schema.
    """

    kind: str

    @abstractmethod
    def messages(self) -> list[Message]:
        """Return the opening messages, a system message first if there is one."""

    @property
    def version(self) -> str:
        """What changes when the fixed part of the text does; then finished answers are stale."""
        return ""

    @property
    def title(self) -> str:
        """What is written about, in words for people; empty where that has no name."""
        return ""

    @property
    def about(self) -> str:
        """What an answer that is made up says it is about: the title, where there is one."""
        return self.title

    @property
    def usual_tokens(self) -> int:
        """What a request usually takes, its answer included, as far as one can say beforehand."""
        letters = sum(len(message["content"]) for message in self.messages())
        return letters // _LETTERS_PER_TOKEN + _ANSWER_TOKENS

    def digested(self) -> Any:
        """Return what an answer is made from, as JSON: when that changes, the answer is stale."""
        return self.messages()

    def sample(self) -> BaseModel | None:
        """Return an answer prepared beforehand; without one the sample author makes one up."""
        return None


@dataclass(frozen=True, slots=True)
class Text(Prompt):
    """A prompt whose text is there already."""

    kind: str
    text: str | Sequence[Message]
    """The user's message, or all messages."""
    system: str | None = None
    title: str = ""
    subject: str = ""
    """What it is about where it has no title of its own."""

    @property
    def about(self) -> str:
        """The title, or what it is about."""
        return self.title or self.subject

    def messages(self) -> list[Message]:
        """Return the system message, then the rest."""
        opening = [{"role": "system", "content": self.system}] if self.system else []
        if isinstance(self.text, str):
            return [*opening, {"role": "user", "content": self.text}]
        return [*opening, *({**message} for message in self.text)]
