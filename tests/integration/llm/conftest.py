"""The scripted model server and an author that talks to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.choices import Provider
from core.loop_local import LoopLocal
from core.settings import Settings, get_settings
from db.recorder import flush_recorder
from llm.openai_compatible import OpenAIAuthor
from tests.model_server import ModelServer
from workflow import asking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import asyncpg

BACKOFF_S = 0.01


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A model server on a free port that answers well until it is told otherwise."""
    async with ModelServer() as running:
        yield running


@pytest.fixture
async def author_for(
    server: ModelServer,
) -> AsyncIterator[Callable[..., OpenAIAuthor]]:
    """Makes authors that ask the server; their connections are closed in the end."""
    made: list[OpenAIAuthor] = []

    def make(**settings: object) -> OpenAIAuthor:
        given = {
            "llm_provider": Provider.OPENAI,
            "llm_base_url": server.base_url,
            "llm_api_key": "sk-canary-0123456789",
            "llm_timeout_s": 5,
            **settings,
        }
        made.append(OpenAIAuthor(Settings.model_validate(given), backoff_s=BACKOFF_S))
        return made[-1]

    yield make
    for author in made:
        await author.aclose()


@pytest.fixture
def server_address() -> Iterator[str]:
    """The address of a model server that runs as a program of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.model_server"],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(10) == 0


@pytest.fixture
async def model(
    database: asyncpg.Connection,
    settings_env: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[ModelServer]:
    """A model server that designs one concept, and the workflow's author who asks it."""
    async with ModelServer(stages=1, modules=1, concepts=1) as server:
        settings_env.setenv("ROADMAP_LLM_PROVIDER", "openai")
        settings_env.setenv("ROADMAP_LLM_BASE_URL", server.base_url)
        settings_env.setenv("ROADMAP_LLM_API_KEY", "sk-canary-0123456789")
        get_settings.cache_clear()
        authors = LoopLocal(lambda: OpenAIAuthor(get_settings(), backoff_s=BACKOFF_S))
        monkeypatch.setattr(asking, "_authors", authors)
        monkeypatch.setattr("roadmaps.links.check_resources", _unchecked)
        yield server
        await asking.close_author()
        await flush_recorder()


async def _unchecked(drafts: Any, **_: Any) -> list[dict[str, Any]]:
    return [draft.model_dump() | {"verified": False} for draft in drafts]
