"""Failures of a provider: tried again, waited for, or told at once."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from core.provider_errors import (
    ProviderAddressError,
    ProviderError,
    ProviderQuotaExhaustedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnauthorizedError,
    ProviderUnavailableError,
)
from core.time_limit import TimeLimit
from llm import Usage
from tests.integration.llm.calls import tutorial
from tests.model_rules import Rule
from workflow.trying import bounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm.openai_compatible import OpenAIAuthor
    from tests.model_server import ModelServer

    MakeAuthor = Callable[..., OpenAIAuthor]


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (Rule("status", status=429), ProviderRateLimitedError),
        (Rule("status", status=408), ProviderUnavailableError),
        (Rule("status", status=500), ProviderUnavailableError),
        (Rule("status", status=503), ProviderUnavailableError),
        (Rule("disconnect"), ProviderUnavailableError),
        (Rule("cut"), ProviderUnavailableError),
        (Rule("not_json"), ProviderUnavailableError),
        (Rule("no_choices"), ProviderUnavailableError),
        (Rule("error_in_200"), ProviderUnavailableError),
    ],
    ids=lambda value: f"{value.behaviour}-{value.status}" if isinstance(value, Rule) else "",
)
async def test_passing_failures_are_tried_six_times(
    server: ModelServer, author_for: MakeAuthor, rule: Rule, error: type[ProviderError]
) -> None:
    """What may pass is tried again, six times in all, and each time is told beforehand."""
    server.rules.append(rule)
    told: list[str] = []

    async def on_retry(code: str) -> None:
        told.append(code)

    with pytest.raises(error) as caught:
        await author_for().complete(tutorial(), on_retry=on_retry)

    assert len(server.ledger) == 6
    assert told == [error.code] * 5
    assert caught.value.details["usage"].calls == 6


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (418, None, ProviderRejectedError),
        (404, "<html>no such page</html>", ProviderAddressError),
        (418, "[1, 2]", ProviderRejectedError),
        (302, None, ProviderAddressError),
        (200, '{"object": "response", "error": null, "output": []}', ProviderAddressError),
        (401, None, ProviderUnauthorizedError),
        (403, '{"error": "no"}', ProviderUnauthorizedError),
        (429, '{"error": {"code": "insufficient_quota"}}', ProviderQuotaExhaustedError),
    ],
)
async def test_lasting_failures_are_not_tried_again(
    server: ModelServer,
    author_for: MakeAuthor,
    status: int,
    body: str | None,
    error: type[ProviderError],
) -> None:
    """What another try cannot change costs one request."""
    server.rules.append(Rule("status", status=status, body=body))

    with pytest.raises(error) as caught:
        await author_for().complete(tutorial())

    assert server.outcomes() == [f"status_{status}"]
    assert caught.value.details["usage"] == Usage(calls=1)


async def test_a_passing_failure_in_the_middle_of_a_repair_goes_on_there(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Repairs and tries are one conversation: they add up instead of multiplying."""
    server.rules += [
        Rule("wrong_shape", times=1),
        Rule("status", status=500, times=1),
        Rule("wrong_shape", times=1),
    ]

    completion = await author_for().complete(tutorial())

    assert completion.usage.calls == 4
    assert len(server.requests[2]["messages"]) == 4


async def test_retry_after_in_seconds_is_honoured(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """The next request comes no earlier than asked for, and no step's limit counts that wait."""
    server.rules.append(Rule("status", status=429, retry_after="0.6", times=1))

    work = partial(author_for().complete, tutorial())
    await bounded(work, limit=TimeLimit(0.4), name="call")

    assert server.ledger[1].at - server.ledger[0].at >= 0.6


async def test_retry_after_as_a_date_is_honoured(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """An HTTP date means the same as seconds."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    rule = Rule("status", status=503, retry_after=format_datetime(at, usegmt=True), times=1)
    server.rules.append(rule)

    await author_for().complete(tutorial())

    assert server.ledger[1].at >= at.timestamp()


@pytest.mark.parametrize("behaviour", ["hang", "trickle"])
async def test_a_silent_or_trickling_server_is_cut_off(
    server: ModelServer, author_for: MakeAuthor, behaviour: str
) -> None:
    """The limit is for the whole request, it is met thrice, and no connection stays behind."""
    server.rules.append(Rule(behaviour))
    author = author_for(llm_timeout_s=0.2)
    started = time.monotonic()

    with pytest.raises(ProviderTimeoutError):
        await author.complete(tutorial())

    assert time.monotonic() - started < 3
    await asyncio.wait_for(server.until(connections=0), 5)
    assert server.outcomes() == ["client_gone"] * 3


async def test_a_slow_answer_within_the_limit_is_used(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Slowness alone is no failure."""
    server.rules.append(Rule("latency", seconds=0.3))

    assert (await author_for().complete(tutorial())).usage.calls == 1


async def test_a_cancelled_call_leaves_no_connection(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Cancelling takes effect at once, also for the server."""
    server.rules.append(Rule("hang"))
    call = asyncio.ensure_future(author_for().complete(tutorial()))
    await asyncio.wait_for(server.until(in_flight=1), 5)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    await asyncio.wait_for(server.until(connections=0), 5)
    assert server.outcomes() == ["client_gone"]


async def test_a_call_cancelled_while_it_waits_to_try_again_stops(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """A long Retry-After does not hold a cancelled call."""
    server.rules.append(Rule("status", status=429, retry_after="50"))
    waiting = asyncio.Event()

    async def on_retry(_code: str) -> None:
        waiting.set()

    call = asyncio.ensure_future(author_for().complete(tutorial(), on_retry=on_retry))
    await asyncio.wait_for(waiting.wait(), 5)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, 1)


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_the_key_and_the_prompt_reach_neither_messages_nor_logs(
    server: ModelServer, author_for: MakeAuthor, status: int
) -> None:
    """Also when the provider echoes them; and what it says is cut short."""
    echo = "key sk-canary-0123456789 " + "y" * 5000
    body = json.dumps({"error": {"message": echo}})
    server.rules.append(Rule("status", status=status, body=body))

    with capture_logs() as logs, pytest.raises(ProviderError) as caught:
        await author_for().complete(tutorial())

    assert "canary" not in str(caught.value)
    assert len(caught.value.message) < 500
    assert logs
    assert "canary" not in str(logs)
    assert "Ownership" not in str(logs)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


async def test_a_key_that_no_header_can_carry_is_reported_as_such(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """A key copied with a line break or an umlaut fails with a word about the key."""
    with pytest.raises(ProviderUnauthorizedError, match="LLM_API_KEY"):
        await author_for(llm_api_key="sk-\u00fcber").complete(tutorial())
    assert server.requests == []


async def test_a_port_where_nobody_listens_is_unavailable(author_for: MakeAuthor) -> None:
    """A refused connection is tried again, then named."""
    with pytest.raises(ProviderUnavailableError):
        await author_for(llm_base_url="http://127.0.0.1:1/v1").complete(tutorial())
