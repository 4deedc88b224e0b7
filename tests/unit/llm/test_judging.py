"""What providers say went wrong is judged by their words, wherever these stand, then by status."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from core.provider_errors import ProviderError
from llm.failures import (
    RejectedAnswerError,
    Told,
    TransientError,
    excerpt,
    failure_told,
)
from llm.told import error_in, told_in_text
from llm.waits import wait_in_headers, wait_in_words
from tests.model_servers import dialects

if TYPE_CHECKING:
    from tests.model_servers.dialect import Failure

KEY = "sk-canary-0123456789"
FAILURES = [
    pytest.param(failure, id=f"{dialect.name}, {failure.name}")
    for dialect in dialects()
    for failure in dialect.failures
]


def judged(failure: Failure) -> ProviderError | TransientError | RejectedAnswerError:
    """Return what a server's failure is to us."""
    refusal = failure.refusal
    text = refusal.body if isinstance(refusal.body, str) else json.dumps(refusal.body)
    told: Told | None = told_in_text(text, status=refusal.status, headers=refusal.headers)
    if refusal.status == 200:
        told = error_in(refusal.body) if not isinstance(refusal.body, str) else told_in_text(text)
    assert told is not None
    return failure_told(told, key=KEY)


@pytest.mark.parametrize("failure", FAILURES)
def test_failures_of_real_servers_mean_what_they_say(failure: Failure) -> None:
    """Each has the code that a person would read, and is tried again only where that helps."""
    found = judged(failure)
    if isinstance(found, RejectedAnswerError):
        assert failure.code == ("content_truncated" if found.cut else "content_invalid")
        return
    error = found.error if isinstance(found, TransientError) else found
    assert error.code == failure.code
    assert isinstance(found, TransientError) is failure.again
    assert "sk-" not in error.message


def test_a_model_that_thought_up_to_its_limit_was_cut_off() -> None:
    """OpenAI says so with 400; the request itself is in order, and is made again and shorter."""
    said = "Could not finish the message because max_tokens or model output limit was reached."
    found = failure_told(Told(status=400, message=said), key=KEY)
    assert isinstance(found, RejectedAnswerError)
    assert found.cut


def test_a_limit_of_a_day_ends_the_whole_task() -> None:
    """Every further request would be sent away like this one; one of a minute does not."""
    day = failure_told(Told(status=429, message="Limit of requests per day reached"), key=KEY)
    minute = failure_told(Told(status=429, message="requests per minute"), key=KEY)
    month = failure_told(Told(status=429, message="limited to 1000 calls / month"), key=KEY)
    for long in (day, month):
        assert isinstance(long, ProviderError)
        assert long.stops_task
    assert isinstance(minute, TransientError)
    assert not minute.error.stops_task


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 7.66s. Need more?", 7.66),
        ("Please try again in 25m3.1s.", 1503.1),
        ("try again in 120ms", 0.12),
        ("Please retry after 20 seconds.", 20),
        ("Please wait 59236 seconds before retrying.", 59236),
        ("Please retry in 37.2s.", 37.2),
        ("Try again in 2 minutes", 120),
        ("\u8bf7\u572830\u79d2\u540e\u91cd\u8bd5", 30),
        ("Try again later.", None),
        ("Limit 20, used 3.", None),
    ],
)
def test_waits_are_read_in_words(text: str, seconds: float | None) -> None:
    """In any unit, and only where a wait is meant."""
    assert wait_in_words(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "12"}, 12),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "30, 30"}, 30),
        ({"retry-after": "2,7"}, 7),
        ({"retry-after": "1 min, 30 s"}, 90),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0"}, 360),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "9"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 +99999999999999999999"}, None),
        ({"retry-after": "2015-10-21T07:28:00Z"}, 0),
        ({"retry-after": "1445412480"}, 0),
        ({"x-ratelimit-reset": "2015-10-21T07:28:00Z", "x-ratelimit-remaining": "0"}, 0),
        ({}, None),
    ],
)
def test_waits_are_read_in_headers(headers: dict[str, str], seconds: float | None) -> None:
    """In all forms; a reset counts only for a limit of which nothing is left."""
    assert wait_in_headers(headers) == pytest.approx(seconds)


def test_when_a_limit_is_reset_may_be_a_time() -> None:
    """In seconds or milliseconds since 1970, or a date; so may the moment to try again."""
    then = time.time() + 90
    for at in (round(then), round(then * 1000), datetime.fromtimestamp(then, UTC).isoformat()):
        headers = {"X-RateLimit-Reset": str(at), "X-RateLimit-Remaining": "0"}
        assert wait_in_headers(headers) == pytest.approx(90, abs=2)
        assert wait_in_headers({"Retry-After": str(at)}) == pytest.approx(90, abs=2)


def test_no_part_of_a_key_is_shown() -> None:
    """Not the whole one, and not what providers leave of it."""
    said = f"key {KEY} and sk-ca***6789, sk-ca...6789 or ****6789 are wrong... really"
    assert excerpt(said, key=KEY) == "key *** and ***, *** or *** are wrong... really"


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [], "usage": {"total_tokens": 3}},
        {"choices": [{"delta": {"content": "error"}}]},
        {"choices": [], "prompt_filter_results": []},
        {"error": None, "choices": [{"message": {"content": "x"}}]},
        {"base_resp": {"status_code": 0, "status_msg": "success"}, "choices": []},
        {"type": "ping"},
        {"error": {"message": "", "type": "", "param": None, "code": None}},
        {"code": 0, "message": "Success", "choices": [], "usage": {"total_tokens": 3}},
        {},
        [],
        3,
    ],
)
def test_what_is_no_error_is_not_taken_for_one(body: object) -> None:
    """Chunks without choices, tokens alone, signs of life."""
    assert error_in(body) is None


def test_bodies_that_mean_harm_are_read_quickly() -> None:
    """Deep, long, or full of brackets: they cost nothing to speak of and raise nothing."""
    started = time.monotonic()
    for text in (
        '{"error":' * 5000,
        json.dumps({"error": {"message": "{" * 50_000}}),
        json.dumps({"error": {"message": "model " * 20_000}}),
        json.dumps({"error": {"message": "content " * 10_000 + "risk"}}),
        json.dumps({"message": "[" * 20_000 + "]" * 20_000}),
        json.dumps([{"error": "x"}] * 10_000),
        json.dumps({"error": {"code": "9" * 9_000}}),
        "<html>" + "<p>" * 100_000,
    ):
        failure_told(told_in_text(text, status=400), key=KEY)
    assert time.monotonic() - started < 2
