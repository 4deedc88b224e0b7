"""Our worker; with BENCH_CALLS=sleep the model is one that is not there, as for the others."""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.answers import answer, concepts_in
from bench.contestants.timing import CALL_S
from core.loop_local import LoopLocal
from llm import Completion, Usage
from llm.answers import read_answer
from worker import app as ours
from workflow import asking

if TYPE_CHECKING:
    from llm.calls import Call, OnRetry, OnText, T

app = ours
"""What `celery -A` looks for."""


@cache
def _value(output: type[Any], kind: str, concepts: int) -> Any:
    return read_answer(answer(kind, concepts=concepts), output)


class Sleeping:
    """An `Author` who only waits; what it returns was made before."""

    async def complete(self, call: Call[T], *, on_retry: OnRetry | None = None) -> Completion[T]:  # noqa: ARG002 - the port's
        """Wait as long as a model would."""
        await asyncio.sleep(CALL_S)
        asked = 0
        if call.kind == "curriculum_design":
            asked = concepts_in(call.prompt.messages()[-1]["content"])
        value: T = _value(call.output, call.kind, asked)
        return Completion(value=value, usage=Usage(calls=1, tokens=1800, prompt_tokens=900))

    async def stream(
        self,
        call: Call[T],
        *,
        field: str,  # noqa: ARG002 - the port's
        on_text: OnText,  # noqa: ARG002 - nobody else of the contestants shows text
        on_retry: OnRetry | None = None,
    ) -> Completion[T]:
        """Do the same."""
        return await self.complete(call, on_retry=on_retry)

    async def aclose(self) -> None:
        """Close nothing."""


if os.environ.get("BENCH_CALLS") == "sleep":
    asking._authors = LoopLocal(Sleeping)  # noqa: SLF001 - the one seam that a bench needs

if place := os.environ.get("BENCH_PROFILE"):
    from bench.sampling import sample_into

    sample_into(place)
