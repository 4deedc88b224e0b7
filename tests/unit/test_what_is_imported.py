"""Programs import what they use: weight at start is counted in modules, not in seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = frozenset(
    {"celery", "kombu", "sqlalchemy", "alembic", "asyncpg", "redis", "fastapi", "uvicorn"}
    | {"aiohttp", "jinja2", "structlog", "prometheus_client", "tornado"}
)
HELP = HEAVY | {
    *("pydantic", "pydantic_settings", "httpx", "asyncio", "urllib.request"),
    *("embedded", "core.settings", "roadmap_client"),
}
RENDERERS = frozenset({"markdown_it", "latex2mathml"})
API = RENDERERS | frozenset(
    {"celery", "kombu", "worker", "aiohttp", "tornado", "flower", "alembic", "typer", "httpx"}
    | {"workflow.engine", "workflow.runs", "llm.openai_compatible", "jinja2"}
    | {"sqlalchemy.dialects.mysql", "sqlalchemy.dialects.oracle", "sqlalchemy.dialects.mssql"}
)
WORKER = RENDERERS | frozenset(
    {"celery.bin.celery", "prompt_toolkit", "flower", "tornado", "fastapi", "typer", "alembic"}
    | {"rich", "opentelemetry"}
)
NO_TASKS = {"sqlalchemy", "asyncpg", "aiohttp", "fastapi", "typer", "alembic", "rich"} | {
    *("opentelemetry", "db.models", "workflow", "tasks", "prompt_toolkit", "celery.bin.celery"),
}
OTHER_CLIENTS = {"valkey"}
"""What the `limits` library would import for its Redis because it happens to be installed."""
MOST = {
    "help": 399,
    "client": 568,
    "api": 1148,
    "worker": 735,
    "a worker that starts": 1215,
    "beat": 745,
    "flower": 813,
}
"""Modules that programs import with Python 3.11; the numbers may only fall."""
OTHER_PYTHONS = 1.03
"""Their own library is parted into more modules."""
NOBODY = "http://127.0.0.1:9"
COMMAND = "from roadmap_start.command import main;"
UNTIL_READY = """
from roadmap_start.unneeded import import_without; import_without()
import {module} as its; its.{kind}.start = lambda *_: sys.exit()
from roadmap_start.__main__ import main; main([{name!r}])"""
"""All that one of them ever imports: it ends instead of serving."""
COUNTING = """
import roadmap_start.own
from notifications.clients import redis_client
from notifications.counting import counting_in
counting_in(redis_client("redis://127.0.0.1:9"), name="calls")"""
PROGRAMS = {
    "help": (f"{COMMAND} sys.argv = ['roadmap', '--help']; main()", HELP),
    "client": (f"{COMMAND} sys.argv = ['roadmap', 'list']; main()", HEAVY | {"pygments"}),
    "api": ("import api.app; api.app.create_app()", API),
    "worker": ("from roadmap_start.__main__ import main; main(['worker', '--help'])", WORKER),
    "a worker that starts": (
        UNTIL_READY.format(module="celery.worker", kind="WorkController", name="worker"),
        WORKER - {"celery.bin.celery", "prompt_toolkit"} | {"aiohttp", "jinja2"},
    ),
    "counting": (COUNTING, OTHER_CLIENTS),
    "beat": (UNTIL_READY.format(module="celery.beat", kind="Service", name="beat"), NO_TASKS),
    "flower": (UNTIL_READY.format(module="flower.app", kind="Flower", name="flower"), NO_TASKS),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_heavy_is_imported_for_nothing(name: str, tmp_path: Path) -> None:
    """`--help`, a client's command, API, worker, beat, Flower do without these."""
    program, unwanted = PROGRAMS[name]
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.__stderr__))\n" + program
    )
    ours = {k: v for k, v in os.environ.items() if not k.startswith("ROADMAP_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=ours | {"ROADMAP_API_URL": NOBODY, "ROADMAP_TOKEN": "none"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,  # on a machine that is busy with other things, too
        check=False,
    )
    loaded = set(done.stderr.splitlines())
    assert "roadmap_start.own" in loaded, done.stderr
    assert loaded & unwanted == set()
    more = 1 if sys.version_info[:2] == (3, 11) else OTHER_PYTHONS
    assert len(loaded) <= MOST.get(name, len(loaded)) * more, len(loaded)


def test_the_list_would_notice() -> None:
    """What the lists name is there to be imported; a renamed module would pass unseen."""
    names = HELP | API | HEAVY | WORKER | NO_TASKS | OTHER_CLIENTS
    missing = {name for name in names if name not in sys.modules and find_spec(name) is None}
    assert missing == set()
