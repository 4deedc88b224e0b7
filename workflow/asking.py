"""Model calls on behalf of a task: counted, bounded by its budget, their retries told."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from prometheus_client import Counter, Histogram

from core import telemetry
from core.digest import digest
from core.logging import get_logger
from core.loop_local import LoopLocal
from core.prices import priced
from core.provider_errors import ContentTruncatedError, ProviderError
from core.settings import get_settings
from core.usage import NOTHING, Usage
from db.facts import Fact
from db.recorder import record
from llm import Author, Call, create_author
from llm.expected import Expected
from llm.prices import price_of
from notifications.events import EventType, StepRetryingData
from workflow.drafts import draft, spoken
from workflow.history import round_of

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from pydantic import BaseModel

    from llm import Completion, OnText, Prompt
    from llm.cluster import Cluster
    from notifications.event_data import PartTold
    from workflow.lease import Claim
    from workflow.parts import Wanted

T = TypeVar("T", bound="BaseModel")
R = TypeVar("R")

CALLS: Final = Counter(
    "roadmap_llm_calls_total",
    "Model calls by how they ended: `ok`, or a code.",
    ["kind", "outcome"],
)
REQUESTS: Final = Counter(
    "roadmap_llm_requests_total", "Requests of model calls, retries and repairs included.", ["kind"]
)
TOKENS: Final = Counter("roadmap_llm_tokens_total", "Tokens of model calls.", ["kind", "part"])
CALL_SECONDS: Final = Histogram(
    "roadmap_llm_call_seconds",
    "Duration of model calls, their retries and repairs included.",
    ["kind"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320),
)
COST: Final = Counter(
    "roadmap_llm_cost_dollars_total", "Cost of model calls whose price is known.", ["kind"]
)


log = get_logger(__name__)

_AFTER_THE_END: Final = (
    "{step!r} has ended, or was left behind, and nothing is asked for it any more; await in a"
    " function what it begins"
)


@cache
def _seconds(kind: str) -> Histogram:
    return CALL_SECONDS.labels(kind)


@cache
def _counters(kind: str, outcome: str) -> tuple[Counter, Counter, Counter, Counter]:
    """Look up once what each call of a kind that ends so is counted by."""
    tokens = TOKENS.labels(kind, "prompt"), TOKENS.labels(kind, "completion")
    return CALLS.labels(kind, outcome), REQUESTS.labels(kind), *tokens


_cluster: list[Callable[[], Cluster]] = []
_expected: LoopLocal[Expected] = LoopLocal(Expected)


def _new_author() -> Author:
    from workflow.model_memory import DatabaseMemory  # late: many import this, and ask no model

    settings = get_settings()
    return create_author(
        settings,
        cluster=_cluster[0] if _cluster else None,
        memory=lambda: DatabaseMemory(settings),
    )


_authors: LoopLocal[Author] = LoopLocal(_new_author)
_instead: Final[ContextVar[Author | None]] = ContextVar("author_instead", default=None)


def _author() -> Author:
    return _instead.get() or _authors.get()


@contextmanager
def author_instead(author: Author) -> Iterator[None]:
    """Let this author answer what is asked within the block, instead of the settings' one."""
    token = _instead.set(author)
    try:
        yield
    finally:
        _instead.reset(token)


def install_cluster(make: Callable[[], Cluster] | None) -> None:
    """Say how limits are shared with other processes; without it they hold for this one alone.

    Args:
        make: Called in each event loop before its first model call. Closed with the author.
    """
    _cluster[:] = [] if make is None else [make]


async def close_author() -> None:
    """Close the running loop's author, if it was ever asked."""
    author = _authors.pop()
    if author is not None:
        await author.aclose()


def input_digest(prompt: Prompt) -> str:
    """Return the digest of all that a call's answer is made from, its prompt's version included.

    The model's name is not in it: a finished answer is not stale because another model is used now.
    """
    return digest([prompt.kind, prompt.version, prompt.digested()])


class Asking:
    """Asks the author within one step of one claim, and adds up what that cost.

    What was spent before an error is kept too, so that the failure's fact can carry it.
    """

    __slots__ = ("_waiting", "claim", "over", "parts_before", "spent", "step", "want")

    def __init__(
        self,
        claim: Claim,
        step: str,
        *,
        want: Wanted | None = None,
        parts_before: Sequence[str] = (),
    ) -> None:
        """Nothing is asked yet.

        Args:
            claim: The task.
            step: The step that asks.
            want: The part that it makes, if it makes one.
            parts_before: Names the finished parts that a step may read.
        """
        self.claim = claim
        self.step = step
        self.want = want
        self.parts_before = parts_before
        self.spent = NOTHING
        self.over = False
        """Whoever asks has ended, or was left behind: nothing is asked any more."""
        self._waiting: list[concurrent.futures.Future[Any]] = []

    @property
    def about(self) -> PartTold:
        """How events name the part that is made; made anew each time, since few calls tell it.

        Raises:
            LookupError: None is made.
        """
        if self.want is None:
            raise LookupError(self.step)
        return self.claim.definition.parts[self.step].told(self.want)

    def end(self) -> None:
        """Let whoever still asks hear that nobody waits for it any more."""
        self.over = True
        for future in tuple(self._waiting):
            future.cancel()

    def waited(self, future: concurrent.futures.Future[R]) -> R:
        """Wait, in a thread, for what runs on the loop; until nobody waits for the thread."""
        self._waiting.append(future)
        try:
            if self.over:
                future.cancel()
            return future.result()
        finally:
            self._waiting.remove(future)

    def ask(self, prompt: Prompt, output: type[T]) -> Awaitable[T]:
        """Return the author's answer in the wanted shape, to be awaited.

        Raises:
            ProviderError: There is no usable answer.
            TokenBudgetExceededError: The task's tokens are used up.
        """
        return self._answered(prompt, output, _author().complete)

    def stream(
        self, prompt: Prompt, output: type[T], *, field: str, on_text: OnText
    ) -> Awaitable[T]:
        """Do the same, and hand out a field's text while it is being written.

        Raises:
            ProviderError: There is no usable answer.
            TokenBudgetExceededError: The task's tokens are used up.
        """
        asked = partial(_author().stream, field=field, on_text=on_text)
        return self._answered(prompt, output, asked)

    async def _answered(
        self, prompt: Prompt, output: type[T], asked: Callable[..., Awaitable[Completion[T]]]
    ) -> T:
        """Ask the author for an answer under the task's budget, and count what it takes.

        One coroutine, since thousands of them wait at a time.
        """
        if self.over:
            log.warning("asked_after_the_end", step=self.step)
            raise asyncio.CancelledError(_AFTER_THE_END.format(step=self.step))
        kind, expected, budget = prompt.kind, _expected.get().tokens(prompt), self.claim.budget
        called = telemetry.span(
            f"chat {kind}",
            kind="client",
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": get_settings().llm_model,
            },
        )
        left = await budget.hold(expected)
        try:
            call = Call(
                prompt=prompt,
                output=output,
                user=self.claim.user_id,
                expected_tokens=expected,
                max_tokens=left,
            )
            with _seconds(kind).time(), called:
                try:
                    completion = await asked(call, on_retry=self._tell_retry)
                except ProviderError as error:
                    self._add(kind, error.details.get("usage", Usage(calls=1)), error.code)
                    if isinstance(error, ContentTruncatedError) and left is not None:
                        budget.check()  # then it was our limit that cut it off
                    raise
            self._add(kind, completion.usage, "ok")
            return completion.value
        finally:
            budget.let_go(expected)

    def _add(self, kind: str, usage: Usage, outcome: str) -> None:
        usage = priced(usage, price_of(get_settings()))
        self.spent += usage
        self.claim.budget.spend(usage)
        _expected.get().learn(kind, usage)
        calls, requests, prompted, completed = _counters(kind, outcome)
        calls.inc()
        requests.inc(usage.calls)
        prompted.inc(usage.prompt_tokens)
        completed.inc(max(0, usage.tokens - usage.prompt_tokens))
        if usage.cost is not None:
            COST.labels(kind).inc(float(usage.cost))

    async def _tell_retry(self, code: str) -> None:
        await record(
            Fact(
                task_id=self.claim.task_id,
                epoch=self.claim.epoch,
                events=(
                    draft(
                        EventType.STEP_RETRYING,
                        f"A model call of {spoken(self.step)} is tried again ({code})",
                        StepRetryingData(
                            step=self.step,
                            round=round_of(self.claim.history, self.step),
                            code=code,
                        ),
                    ),
                ),
            )
        )
