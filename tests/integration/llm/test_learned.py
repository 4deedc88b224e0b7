"""What is learned of a server: by trying, for all calls, and over restarts."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from core.provider_errors import ProviderError, ProviderRejectedError
from core.settings import get_settings
from llm.openai_compatible import OpenAIAuthor
from tests.integration.llm.calls import tutorial
from tests.integration.llm.conftest import BACKOFF_S
from tests.model_servers.dialect import Dialect, Refusal, error, shape_of
from tests.model_servers.server import KEY, DialectServer
from workflow.model_memory import DatabaseMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    Refuse = Callable[[dict[str, Any]], Refusal | None]

BAD = Refusal(400, error("Bad Request"))


def server_that(refuse: Refuse) -> DialectServer:
    """Return a server that refuses some requests."""
    return DialectServer(dialect=Dialect(name="some", source="", refuse=refuse))


def author_of(server: DialectServer, settings_env: pytest.MonkeyPatch, **more: Any) -> OpenAIAuthor:
    """Return an author that asks the server."""
    settings_env.setenv("ROADMAP_LLM_PROVIDER", "openai")
    settings_env.setenv("ROADMAP_LLM_BASE_URL", server.base_url)
    settings_env.setenv("ROADMAP_LLM_API_KEY", KEY)
    get_settings.cache_clear()
    return OpenAIAuthor(get_settings(), backoff_s=BACKOFF_S, **more)


async def streamed(author: OpenAIAuthor) -> int:
    """Ask for a tutorial in a stream; return how many requests that took."""
    call = tutorial()
    return (
        await author.stream(call, field="markdown", on_text=lambda _at, _text: None)
    ).usage.calls


@pytest.mark.parametrize(
    ("refuse", "most"),
    [
        (lambda request: BAD if shape_of(request) else None, 3),
        (lambda request: BAD if shape_of(request) == "json_schema" else None, 2),
        (lambda request: BAD if request.get("stream") else None, 4),
        (lambda request: BAD if "stream_options" in request else None, 5),
        (lambda request: BAD if request["messages"][0]["role"] == "system" else None, 6),
        (lambda request: BAD if shape_of(request) or "stream" in request else None, 7),
    ],
    ids=["any shape", "schema", "stream", "stream_options", "system", "shape and stream"],
)
async def test_a_refusal_without_a_reason_is_asked_differently(
    refuse: Refuse, most: int, settings_env: pytest.MonkeyPatch
) -> None:
    """What the server cannot do is found by trying, once; later calls are one request each."""
    async with server_that(refuse) as server:
        author = author_of(server, settings_env)
        assert await streamed(author) <= most
        assert await streamed(author) == 1
        await author.aclose()


async def test_what_nothing_helps_against_is_not_tried_again(
    settings_env: pytest.MonkeyPatch,
) -> None:
    """The first call tries the other ways, a few; the next ones fail at their first request."""
    async with server_that(lambda _request: BAD) as server:
        author = author_of(server, settings_env)
        with pytest.raises(ProviderRejectedError, match="Bad Request"):
            await streamed(author)
        assert 1 < len(server.requests) <= 8
        server.requests.clear()
        with pytest.raises(ProviderRejectedError):
            await streamed(author)
        assert len(server.requests) == 1
        await author.aclose()


async def test_what_was_proven_is_not_doubted(settings_env: pytest.MonkeyPatch) -> None:
    """After an answer a refusal without a reason is about that one request."""
    refusing: list[Refusal] = []
    async with server_that(lambda _request: refusing[0] if refusing else None) as server:
        author = author_of(server, settings_env)
        await streamed(author)
        server.requests.clear()
        refusing.append(BAD)
        with pytest.raises(ProviderRejectedError):
            await streamed(author)
        assert len(server.requests) == 1
        await author.aclose()


async def test_a_403_about_one_text_is_no_wrong_key(settings_env: pytest.MonkeyPatch) -> None:
    """In whatever words, once the key was good for something; what names the key still is."""
    refusing: list[Refusal] = []
    async with server_that(lambda _request: refusing[0] if refusing else None) as server:
        author = author_of(server, settings_env)
        refusing.append(Refusal(403, {"message": "We would rather not."}))
        assert await _code(author) == "provider_unauthorized"
        refusing.clear()
        await streamed(author)
        refusing.append(Refusal(403, {"message": "We would rather not."}))
        assert await _code(author) == "content_refused"
        refusing[0] = Refusal(403, {"message": "You do not have permission."})
        assert await _code(author) == "provider_unauthorized"
        await author.aclose()


async def _code(author: OpenAIAuthor) -> str:
    try:
        await streamed(author)
    except ProviderError as failure:
        return failure.code
    return ""


async def test_calls_at_the_same_time_learn_once(settings_env: pytest.MonkeyPatch) -> None:
    """Ten that are refused together take one thing away, not ten."""

    def refuse(request: dict[str, Any]) -> Refusal | None:
        if shape_of(request) == "json_schema":
            return Refusal(400, error("response_format is not supported"))
        return None

    async with server_that(refuse) as server:
        author = author_of(server, settings_env)
        await asyncio.gather(*(streamed(author) for _ in range(10)))
        assert author.learned.abilities.response_format.name == "JSON_OBJECT"
        await author.aclose()


@pytest.mark.usefixtures("database")
async def test_what_was_learned_survives_a_restart(settings_env: pytest.MonkeyPatch) -> None:
    """The next process asks at once as the server wants to be asked."""
    async with server_that(lambda request: BAD if shape_of(request) else None) as server:
        first = author_of(server, settings_env)
        first = author_of(server, settings_env, memory=DatabaseMemory(get_settings()))
        assert await streamed(first) > 1
        await first.aclose()

        second = author_of(server, settings_env, memory=DatabaseMemory(get_settings()))
        assert await streamed(second) == 1
        await second.aclose()


async def test_what_was_learned_is_asked_anew_after_a_week(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A server that can do more by then is asked for more; nonsense is passed over, too."""
    async with server_that(lambda request: BAD if shape_of(request) else None) as server:
        author = author_of(server, settings_env)
        memory = DatabaseMemory(get_settings())
        author = author_of(server, settings_env, memory=memory)
        await streamed(author)
        await author.aclose()
        row = await database.fetchrow("SELECT server, model, abilities::text FROM model_abilities")
        assert row is not None
        assert row["server"] == "http://127.0.0.1"
        assert json.loads(row["abilities"])["response_format"] == "text"

        for change in (
            "UPDATE model_abilities SET learned_at = now() - interval '8 days'",
            "UPDATE model_abilities SET abilities = '{\"response_format\": 7}'",
        ):
            await database.execute(change)
            author = author_of(server, settings_env, memory=memory)
            assert await streamed(author) > 1
            await author.aclose()


async def test_nothing_depends_on_what_is_kept(settings_env: pytest.MonkeyPatch) -> None:
    """A memory that fails costs a few requests and nothing else."""

    class Broken:
        async def read(self) -> tuple[Any, float] | None:
            raise OSError

        async def write(self, _learned: dict[str, Any]) -> None:
            raise OSError

    async with server_that(lambda request: BAD if shape_of(request) else None) as server:
        author = author_of(server, settings_env, memory=Broken())
        assert await streamed(author) > 1
        assert await streamed(author) == 1
        await author.aclose()


async def test_an_answer_cut_off_by_a_servers_own_limit_is_asked_for_longer(
    settings_env: pytest.MonkeyPatch,
) -> None:
    """From then on a limit is sent along, within what the server takes."""

    def refuse(request: dict[str, Any]) -> Refusal | None:
        if request.get("max_tokens", 0) > 4096:
            return Refusal(400, error("max_tokens must be less than or equal to 4096"))
        return None

    dialect = Dialect(name="some", source="", refuse=refuse, cut_at=512)
    async with DialectServer(dialect=dialect) as server:
        author = author_of(server, settings_env)
        assert await streamed(author) == 3
        assert server.requests[-1]["max_tokens"] == 4096
        assert await streamed(author) == 1
        await author.aclose()


async def test_an_address_may_be_that_of_a_call_and_keeps_its_query(
    settings_env: pytest.MonkeyPatch,
) -> None:
    """`…/chat/completions?api-version=…` is asked there, with the key in both headers."""
    dialect = Dialect(name="some", source="", query="api-version=1", header="api-key")
    async with DialectServer(dialect=dialect) as server:
        author = author_of(server, settings_env)
        settings_env.setenv(
            "ROADMAP_LLM_BASE_URL",
            server.base_url.replace("/v1", "/v1/chat/completions"),
        )
        get_settings.cache_clear()
        author = OpenAIAuthor(get_settings(), backoff_s=BACKOFF_S)
        assert await streamed(author) == 1
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
        await author.aclose()
