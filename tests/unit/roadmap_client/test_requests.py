"""Single requests: one task however often one is sent, typed errors, answers kept as they came."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import uuid
from typing import Any

import pytest

import roadmap_client as package
from roadmap_client import (
    InvalidRequestError,
    RoadmapClient,
    ServerError,
    TooManyRequestsError,
    UnreachableError,
)

TASK = "01990000-0000-7000-8000-000000000000"


async def test_a_submission_whose_answer_was_lost_is_sent_again(
    client: RoadmapClient, script: Any
) -> None:
    """A POST that may have been carried out is repeated under the same Idempotency-Key."""
    script.answers = [None, (503, {"Retry-After": "0"}, {}), (202, {}, script.task())]
    assert (await client.submit("Learn Rust")).task_id == TASK
    keys = {asked.headers["idempotency-key"] for asked in script.asked}
    assert (len(script.asked), len(keys)) == (3, 1)
    await client.submit("Learn Rust")
    await client.submit("Learn Rust", idempotency_key="mine")
    assert len({asked.headers["idempotency-key"] for asked in script.asked}) == 3
    assert script.asked[-1].headers["idempotency-key"] == "mine"


@pytest.mark.parametrize("key", ["of\nmine", "schlüssel", "a\x00b"])
async def test_a_key_that_no_header_carries_is_refused_at_once(
    client: RoadmapClient, script: Any, key: str
) -> None:
    """It is told for what it is, and not as an API that does not answer."""
    with pytest.raises(ValueError, match="characters other than printable ASCII"):
        await client.run("book", {}, idempotency_key=key)
    assert not script.asked


async def test_what_is_read_of_a_task(client: RoadmapClient, script: Any) -> None:
    """Parts are asked for by step, key, kind and status, results with or without them."""
    script.answers = [(200, {}, {"parts": []})]
    await client.parts(TASK, step="chapter", kind="text", status="failed", limit=9)
    assert script.asked[-1].query == {
        "step": "chapter",
        "kind": "text",
        "status": "failed",
        "limit": "9",
    }
    given = {"task_id": TASK, "workflow": "book", "results": {}, "steps": []}
    script.answers = [(200, {}, given), (200, {}, given)]
    await client.results(TASK)
    await client.results(TASK, parts=False)
    assert [asked.query for asked in script.paths("/results")] == [{}, {"parts": "false"}]


async def test_a_decision_is_sent_once(client: RoadmapClient, script: Any) -> None:
    """What must not happen twice is not repeated when its answer is lost."""
    script.answers = [None]
    with pytest.raises(UnreachableError):
        await client.decide(TASK, "reject", feedback="More practice", version=3)
    (asked,) = script.asked
    assert asked.body == {"decision": "reject", "feedback": "More practice"}
    assert asked.headers["if-match"] == '"3"'
    script.answers = [(503, {"Retry-After": "0"}, {})]
    with pytest.raises(ServerError):
        await client.cancel(TASK)
    assert len(script.asked) == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, package.UnauthorizedError),
        (403, package.ForbiddenError),
        (404, package.NotFoundError),
        (409, package.ConflictError),
        (412, package.StaleVersionError),
        (413, package.InvalidRequestError),
        (418, package.ProblemError),
        (422, package.InvalidRequestError),
        (429, package.TooManyRequestsError),
        (500, package.ServerError),
        (503, package.ServerError),
    ],
)
async def test_problems_are_typed(
    client: RoadmapClient, script: Any, status: int, error: type[package.ProblemError]
) -> None:
    """Each kind of problem is a class of its own, with all that the problem says."""
    body = {"type": "urn:x:some_code", "code": "some_code", "detail": "It is so.", "errors": [{}]}
    script.answers = [(status, {"Retry-After": "120"}, body)] * 4
    with pytest.raises(error) as caught:
        await client.retry(TASK)
    found = caught.value
    assert type(found) is error
    assert (found.status, found.code, found.type) == (status, "some_code", "urn:x:some_code")
    assert (found.detail, found.errors, found.retry_after_s) == ("It is so.", [{}], 120.0)


def _sent(error: Any) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - what it has just made itself


@pytest.mark.parametrize("again", [_sent, copy.copy])
async def test_problems_cross_processes(client: RoadmapClient, script: Any, again: Any) -> None:
    """What a worker of a pool raises arrives as it was: one that cannot be read ends the pool."""
    problem = {"code": "invalid_request", "detail": "No goal.", "errors": [{"field": "body.goal"}]}
    script.answers = [(422, {"Retry-After": "3"}, problem)]
    with pytest.raises(InvalidRequestError) as raised:
        await client.submit("")
    copied = again(raised.value)
    assert (type(copied), str(copied)) == (InvalidRequestError, "No goal.")
    assert vars(copied) == vars(raised.value)


async def test_a_limit_is_waited_for_when_it_is_short(client: RoadmapClient, script: Any) -> None:
    """`Retry-After` is obeyed up to half a minute; a longer one is the caller's to wait for."""
    script.answers = [(429, {"Retry-After": "0"}, {}), (202, {}, script.task())]
    assert (await client.retry(TASK)).task_id == TASK
    script.answers = [(429, {"Retry-After": "31"}, {})]
    with pytest.raises(TooManyRequestsError):
        await client.retry(TASK)


async def test_nobody_there(script: Any) -> None:
    """A refused connection is an error of ours, for every method, after the retries."""
    async with RoadmapClient("http://127.0.0.1:1", retries=0) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.cancel(TASK)
    assert caught.value.unsent
    assert "may have been done" not in str(caught.value)


async def test_a_lost_answer_may_have_been_an_acceptance(
    client: RoadmapClient, script: Any
) -> None:
    """Where what was sent may have arrived the error says so, and what to do."""
    script.answers = [None]
    with pytest.raises(UnreachableError, match="may have been done all the same: look before"):
        await client.cancel(TASK)
    script.answers = [None] * 4
    with pytest.raises(UnreachableError) as caught:
        await client.task(TASK)
    assert "may have been done" not in str(caught.value)


async def test_something_else_there(client: RoadmapClient, script: Any) -> None:
    """An answer that is none of ours is named as such."""
    script.answers = [(200, {}, {"hello": "world"})]
    with pytest.raises(package.UnexpectedAnswerError):
        await client.task(TASK)


def test_it_needs_nothing_of_the_server() -> None:
    """Importing the client loads none of our server's packages."""
    code = (
        "import sys, roadmap_client; names = {m.split('.')[0] for m in sys.modules};"
        "server = {'core', 'db', 'llm', 'workflow', 'api', 'cli', 'sqlalchemy', 'celery'};"
        "sys.exit(len(names & server))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("client_class", [RoadmapClient, package.SyncRoadmapClient])
@pytest.mark.parametrize("token", ["a\nb", "a b", "schlüssel", "a\x00"])
def test_a_token_that_cannot_be_sent_is_refused_at_once(client_class: Any, token: str) -> None:
    """It is not told, and no server is said to be away; a line break of its file is cut off."""
    with pytest.raises(ValueError, match="characters that no token has") as refused:
        client_class("http://127.0.0.1:1", token=token)
    assert token not in str(refused.value)
    client_class("http://127.0.0.1:1", token=" token\n")


@pytest.mark.parametrize("client_class", [RoadmapClient, package.SyncRoadmapClient])
@pytest.mark.parametrize("address", ["127.0.0.1:8000", "localhost", "ftp://a", ""])
def test_what_is_no_address_is_refused_at_once(client_class: Any, address: str) -> None:
    """Nobody waits for a server at an address that has no scheme of the web."""
    with pytest.raises(ValueError, match="begins with http"):
        client_class(address)


@pytest.mark.parametrize(
    "body", [{"detail": "There is nothing at this address."}, {"detail": "Not Found"}, {}]
)
async def test_another_place_of_the_server_is_told_from_a_missing_task(
    client: RoadmapClient, script: Any, body: dict[str, str]
) -> None:
    """Where no API of ours is, a 404 does not mean that there is no such task."""
    script.answers = [(404, {}, body)]
    with pytest.raises(package.UnexpectedAnswerError, match="before /api/v1"):
        await client.task(TASK)


@pytest.mark.parametrize("client_class", [RoadmapClient, package.SyncRoadmapClient])
@pytest.mark.parametrize(
    "address",
    [
        None,
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:x",
        "http://a?b=1",
    ],
)
def test_what_no_server_has_as_an_address_is_refused_at_once(
    client_class: Any, address: Any
) -> None:
    """What cannot be asked is told as such, and neither as a server that is away nor as a fault."""
    with pytest.raises(ValueError, match="is no address"):
        client_class(address)


@pytest.mark.parametrize(
    ("told", "waits_s"),
    [
        ("Mon, 30 Nov 2026 10:00:25 GMT", 25.0),
        ("Monday, 30-Nov-26 10:00:25 GMT", 25.0),
        ("Mon, 30 Nov 2026 09:00:00 GMT", 0.0),
        ("30, 30", 30.0),
        ("1.5", 1.5),
        ("Mon, 30 Nov 99999999999 10:00:25 GMT", None),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
async def test_a_pause_may_be_a_date(
    client: RoadmapClient, script: Any, told: str, waits_s: float | None
) -> None:
    """`Retry-After` is read in each of its forms, a date by the clock of who says it."""
    given = {"Retry-After": told, "Date": "Mon, 30 Nov 2026 10:00:00 GMT"}
    script.answers = [(409, given, {})]
    with pytest.raises(package.ConflictError) as raised:
        await client.retry(TASK)
    assert raised.value.retry_after_s == waits_s


async def test_a_token_stays_with_the_api(client: RoadmapClient, script: Any) -> None:
    """A path that is a whole address is refused: whoever is there would get the token."""
    with pytest.raises(ValueError, match="whole address"):
        await client.request("GET", f"{script.url}/elsewhere")
    assert not script.asked


async def test_an_empty_id_is_no_other_address(client: RoadmapClient, script: Any) -> None:
    """An id from a variable that is not set is told as one; a `UUID` is as good as its text."""
    with pytest.raises(ValueError, match="is empty"):
        await client.task("")
    with pytest.raises(ValueError, match="is empty"):
        await anext(client.follow(""))
    with pytest.raises(ValueError, match="is empty"):
        await client.concept(TASK, "")
    assert not script.asked
    await client.task(uuid.UUID(TASK))  # type: ignore[arg-type]
    assert script.asked[-1].path.endswith(TASK)
