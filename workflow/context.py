"""What a step's or a part's function is given as `ctx`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel

from core.authored import plainly
from core.digest import digest
from core.logging import get_logger
from core.settings import get_settings
from core.time_limit import CURRENT
from core.visible import cut
from llm import Text
from notifications.event_data import OWN_TEXT, PROGRESS, part_told
from workflow import live_text
from workflow.failures import clean
from workflow.history import round_of
from workflow.templates import sendable

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Generator

    import structlog

    from llm import Message
    from notifications.event_data import PartTold
    from workflow.asking import Asking

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")

Prompted = str | Sequence[Mapping[str, str]]
"""What a model is told: the user's text, or messages of `role` and `content`."""

_ROLES: Final = frozenset({"system", "user", "assistant"})
_LONGEST_PROGRESS: Final = 500
_SHOWN: Final = 80


class _Nothing(Awaitable[None]):
    """Done already: what gives it may be awaited, and need not be."""

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()


_NOTHING: Final = _Nothing()


class Context:
    """The task that a function works for, and what it may ask for on the task's behalf.

    Model calls are counted and bounded by the task's budget, and share the provider's limits, its
    repairs and its retries with all others.

    Example:
        ```python
        @book.step
        async def plot(ctx: Context, request: BookRequest) -> Plot:
            ctx.progress("Looking for an order of chapters")
            return await ctx.ask(Plot, f"Plot a book about {request.topic}.")
        ```
    """

    def __init__(self, asking: Asking) -> None:
        """Belong to one try of one step or part."""
        self._asking = asking
        self._loop = asyncio.get_running_loop()
        self._variables = copy_context()

    @property
    def task_id(self) -> str:
        """The task's id, as it is shown everywhere."""
        return str(self._asking.claim.task_id)

    @property
    def user_id(self) -> str:
        """Whose task it is."""
        return self._asking.claim.user_id

    @property
    def attempt(self) -> int:
        """Which attempt of the task this is: 1, and one more with each retry of the task."""
        return self._asking.claim.attempt

    @property
    def idempotency_key(self) -> str:
        """Names what is done here, for others' systems that shall do a thing once only.

        The same after a crash and when it is tried again; another one for another part, another
        version of it, another round of a step, or when the step runs again with other parts.
        """
        asking = self._asking
        made: list[Any]
        if asking.want is not None:
            made = [str(asking.want.content_id), asking.want.need.digest]
        else:
            made = [round_of(asking.claim.history, asking.step), asking.parts_before]
        return digest([self.task_id, asking.step, made])

    @property
    def log(self) -> structlog.stdlib.BoundLogger:
        """Writes to the worker's log, with the task, the step and the part in each line."""
        claim, want = self._asking.claim, self._asking.want
        part = {} if want is None else {"key": want.need.key, "kind": want.need.kind}
        bound: structlog.stdlib.BoundLogger = get_logger(f"workflow.{claim.workflow}").bind(
            task_id=str(claim.task_id), step=self._asking.step, **part
        )
        return bound

    async def ask(self, output: type[M], prompt: Prompted, *, system: str | None = None) -> M:
        """Return a language model's answer in the shape of a model.

        Args:
            output: The shape, a pydantic model.
            prompt: What the language model is told: a text, or messages of `role` and `content`.
            system: Stands before it as the system's message.

        Raises:
            ProviderError: There is no usable answer, also after repairs and retries.
            TokenBudgetExceededError: The task's tokens are used up.
            TypeError: The shape is no pydantic model, or the prompt neither text nor messages.
        """
        return await self._here(self._asking.ask(self._prompt(output, prompt, system), output))

    async def stream(
        self, output: type[M], prompt: Prompted, *, field: str, system: str | None = None
    ) -> M:
        """Do the same, and show viewers a field's text while it is being written.

        Args:
            output: The shape, a pydantic model.
            prompt: What the language model is told: a text, or messages of `role` and `content`.
            field: The field of the answer that is shown, a text at its top.
            system: Stands before it as the system's message.

        Raises:
            ProviderError: There is no usable answer, also after repairs and retries.
            TokenBudgetExceededError: The task's tokens are used up.
            TypeError: The shape is no pydantic model, or the prompt neither text nor messages.
            ValueError: The answer has no such field.
        """
        _check_shape(output)
        field = str(plainly(field))
        if field not in output.model_fields:
            raise ValueError(f"{output.__name__} has no field {field!r} to stream")
        told = self._prompt(output, prompt, system)
        if not get_settings().llm_stream:
            return await self._here(self._asking.ask(told, output))
        show = partial(live_text.show, self._asking.claim.task_id, about=self._about(OWN_TEXT))
        return await self._here(self._asking.stream(told, output, field=field, on_text=show))

    def progress(self, message: str) -> Awaitable[None]:
        """Show viewers how far this is, in a sentence: for the eye only, nothing of it is stored.

        Comes back at once; a few of them a second reach viewers, the newest always. Awaiting what
        it gives does no harm.
        """
        text = clean(message)[:_LONGEST_PROGRESS]
        about = self._about(None)
        if not self._asking.over:
            shown = partial(live_text.show, self._asking.claim.task_id, 0, text, about=about)
            self._loop.call_soon_threadsafe(shown)
        return _NOTHING

    def wait(self, awaitable: Awaitable[R]) -> R:
        """Return what an awaitable gives; for functions without `async`: `ctx.wait(ctx.ask(…))`.

        Raises:
            RuntimeError: The function is an `async` one, which awaits instead.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("`ctx.wait` is for functions without `async`; use `await` here")
        return self._asking.waited(self._begun(awaitable))

    def _here(self, asked: Awaitable[R]) -> Awaitable[R]:
        """Return what is asked, on the worker's own loop, whichever one waits for it.

        Another one, such as of `asyncio.run` in a thread, has neither its connections nor limits.
        """
        if asyncio.get_running_loop() is self._loop:
            return asked
        return asyncio.wrap_future(self._begun(asked))

    def _begun(self, awaitable: Awaitable[R]) -> concurrent.futures.Future[R]:
        """Begin something on the worker's loop, in the context of the step or part.

        A thread that an author has started has no such context, and so neither its time limit nor
        what a test has put in the place of the language model.
        """
        context = self._variables.copy() if CURRENT.get() is None else copy_context()
        return context.run(asyncio.run_coroutine_threadsafe, _awaited(awaitable), self._loop)

    def _prompt(self, output: type[BaseModel], prompt: Prompted, system: str | None) -> Text:
        _check_shape(output)
        asking = self._asking
        want = asking.want
        return Text(
            kind=f"{asking.claim.workflow}.{asking.step}.{output.__name__}",
            text=_told(prompt),
            system=None if system is None else sendable(system),
            title="" if want is None else want.need.title,
            subject=asking.claim.title,
        )

    def _about(self, kind: str | None) -> PartTold:
        """Return how events name what is being made: a part, or else the step.

        Args:
            kind: What of the step; of a part it is its own kind. None for its progress.
        """
        asking = self._asking
        if asking.want is None:
            number = round_of(asking.claim.history, asking.step)
            return part_told(step=asking.step, kind=kind or PROGRESS, version=number)
        return asking.about if kind else {**asking.about, "kind": PROGRESS}


def _check_shape(output: object) -> None:
    """See that answers can be asked for in a shape.

    Raises:
        TypeError: It is no pydantic model.
    """
    if isinstance(output, type) and issubclass(output, BaseModel):
        return
    name = output.__name__ if isinstance(output, type) else repr(output)
    raise TypeError(
        f"a model is asked for a pydantic model's shape, and {cut(name, _SHOWN)} is none; write"
        " `class Answer(BaseModel)` with it as a field, and ask for `Answer`"
    )


def _told(prompt: Prompted) -> str | list[Message]:
    """Return a prompt as it is sent.

    Raises:
        TypeError: It is neither a text nor messages.
        ValueError: It has no messages, or what are none.
    """
    if isinstance(prompt, str):
        return sendable(plainly(prompt))
    if not isinstance(prompt, Iterable):
        raise TypeError(f"a prompt is a text, or a list of messages, and not {prompt!r}")
    told: list[Message] = []
    for message in prompt:
        role = message.get("role") if isinstance(message, Mapping) else None
        content = message.get("content") if isinstance(message, Mapping) else None
        if role not in _ROLES or not isinstance(content, str):
            raise ValueError(
                "a prompt is a text, or a list of messages, each with a `role` (system, user or"
                " assistant) and its text as `content`"
            )
        told.append({"role": str(plainly(role)), "content": sendable(plainly(content))})
    if not told:
        raise ValueError("a prompt needs at least one message")
    return told


async def _awaited(awaitable: Awaitable[R]) -> R:
    return await awaitable
