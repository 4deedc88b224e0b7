"""Model calls on behalf of a task: counted, bounded by its budget, their retries told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from prometheus_client import Counter, Histogram

from core import telemetry
from core.digest import digest
from core.errors import ProviderError, TokenBudgetExceededError
from core.loop_local import LoopLocal
from core.settings import get_settings
from db.facts import Fact
from db.recorder import record
from notifications.events import EventType, StepRetryingData
from workflow.drafts import draft
from workflow.llm import Author, Call, CallKind, Usage, create_author, prompt_version
from workflow.plan import round_of
from workflow.rate import wait_for_turn

if TYPE_CHECKING:
    from core.states import Step
    from workflow.lease import Claim
    from workflow.llm import Inputs, Output

T = TypeVar("T", bound="Output")

CALLS: Final = Counter(
    "roadmap_llm_calls_total",
    "Model calls by how they ended: `ok`, or a code.",
    ["kind", "outcome"],
)
TOKENS: Final = Counter("roadmap_llm_tokens_total", "Tokens of model calls.", ["kind"])
CALL_SECONDS: Final = Histogram(
    "roadmap_llm_call_seconds",
    "Duration of model calls, their retries and repairs included.",
    ["kind"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320),
)

_authors: LoopLocal[Author] = LoopLocal(lambda: create_author(get_settings(), gate=wait_for_turn))


async def close_author() -> None:
    """Close the running loop's author, if it was ever asked."""
    author = _authors.pop()
    if author is not None:
        await author.aclose()


def input_digest(kind: CallKind, inputs: Inputs) -> str:
    """Return the digest of all that a call's answer is made from, its prompt's version included.

    The model's name is not in it: a finished answer is not stale because another model is used now.
    """
    return digest([kind, prompt_version(kind), inputs.model_dump(mode="json")])


class Asking:
    """Asks the author within one step of one claim, and adds up what that cost.

    What was spent before an error is kept too, so that the failure's fact can carry it.
    """

    def __init__(self, claim: Claim, step: Step) -> None:
        self._claim = claim
        self._step = step
        self.spent = Usage()

    async def ask(self, kind: CallKind, inputs: Inputs, output: type[T]) -> T:
        """Return the author's answer in the wanted shape.

        Raises:
            ProviderError: There is no usable answer.
            TokenBudgetExceededError: The task's tokens are used up.
        """
        budget = get_settings().max_tokens_per_task
        left = budget - self._claim.tokens
        if budget and left <= 0:
            raise TokenBudgetExceededError(
                f"The task used {self._claim.tokens} of {budget} tokens; raise"
                " MAX_TOKENS_PER_TASK and retry to go on."
            )
        call = Call(kind=kind, inputs=inputs, output=output, max_tokens=left if budget else None)
        called = telemetry.span(
            f"chat {kind}",
            kind="client",
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": get_settings().llm_model,
            },
        )
        with CALL_SECONDS.labels(kind).time(), called:
            try:
                completion = await _authors.get().complete(call, on_retry=self._tell_retry)
            except ProviderError as error:
                self._add(kind, error.details.get("usage", Usage(calls=1)), error.code)
                raise
        self._add(kind, completion.usage, "ok")
        return completion.value

    def _add(self, kind: CallKind, usage: Usage, outcome: str) -> None:
        CALLS.labels(kind, outcome).inc()
        TOKENS.labels(kind).inc(usage.tokens)
        self.spent += usage
        self._claim.calls += usage.calls
        self._claim.tokens += usage.tokens

    async def _tell_retry(self, code: str) -> None:
        await record(
            Fact(
                task_id=self._claim.task_id,
                epoch=self._claim.epoch,
                events=(
                    draft(
                        EventType.STEP_RETRYING,
                        f"A model call of {self._step} is tried again ({code})",
                        StepRetryingData(
                            step=self._step,
                            round=round_of(self._claim.history, self._step),
                            code=code,
                        ),
                    ),
                ),
            )
        )
