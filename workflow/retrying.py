"""Tells of a further try of a step or a part, and waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import AppError, StepTimeoutError
from core.logging import get_logger
from core.settings import get_settings
from core.visible import cut
from db.facts import Fact
from db.recorder import record
from notifications.events import EventType, StepRetryingData
from workflow.drafts import draft, spoken
from workflow.drain import drain
from workflow.history import round_of
from workflow.step import StepOptions

if TYPE_CHECKING:
    from workflow.lease import Claim
    from workflow.parts import Wanted

log = get_logger(__name__)

_LONGEST_REASON = 200


def options_of(claim: Claim, step: str) -> StepOptions:
    """Return how a step of a task runs."""
    return claim.definition.options.get(step, StepOptions())


def limit_s(options: StepOptions) -> float:
    """Return how long one try may take."""
    return get_settings().step_timeout_s if options.timeout_s is None else options.timeout_s


def took_too_long(options: StepOptions) -> StepTimeoutError:
    """Return the error that says so."""
    if options.timeout_s is None:
        return StepTimeoutError()
    return StepTimeoutError(
        f"It took longer than its limit of {options.timeout_s:g} s; retry it, or raise its"
        " `timeout_s`."
    )


async def pause(
    claim: Claim, step: str, error: AppError, seconds: float, want: Wanted | None
) -> None:
    """Tell that a step, or a part of it, is tried again, and wait until then.

    Raises:
        DrainedError: The worker is to stop before that.
    """
    need = None if want is None else want.need
    what = f"The step '{spoken(step)}'" if need is None else f"The {need.kind} of '{need.title}'"
    part = {} if need is None else {"key": need.key, "kind": need.kind, "title": need.title}
    when = f" in {seconds:.0f} s" if seconds >= 1 else ""
    await record(
        Fact(
            task_id=claim.task_id,
            epoch=claim.epoch,
            events=(
                draft(
                    EventType.STEP_RETRYING,
                    f"{what} is tried again{when}: {cut(error.message, _LONGEST_REASON)}",
                    StepRetryingData(
                        step=step,
                        round=round_of(claim.history, step),
                        code=error.code,
                        after_s=round(seconds, 3),
                        **part,
                    ),
                ),
            ),
        )
    )
    log.info("try_repeated", code=error.code, after_s=round(seconds, 3), **part)
    await drain().pause(seconds)
