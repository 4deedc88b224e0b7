"""A workflow is found in the folder in which a program is started."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cli.options import Pool, StackOptions
from cli.plan import Addresses, child_environment
from cli.workflow_checks import require_workflows
from core.environment import STARTED_IN
from core.settings import load_settings
from workflow.here import from_here
from workflow.loading import load

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_FLOW = """
from pydantic import BaseModel
from roadmap_worker import Context, Workflow

class Request(BaseModel):
    topic: str

flow = Workflow("found_here", version=1, request=Request)

@flow.step
async def think(ctx: Context) -> str:
    return "done"
"""


def test_found_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the working folder is found, behind everything that is installed."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "found_here_flow.py").write_text(_FLOW)
    (tmp_path / "json.py").write_text("raise RuntimeError('it must not be taken')")
    (definition,) = load(from_here(["found_here_flow:flow"]))
    assert definition.name == "found_here"
    installed = [place for place in sys.path if place.endswith("site-packages")]
    assert all(sys.path.index(place) < sys.path.index(str(tmp_path)) for place in installed)
    del sys.modules["found_here_flow"]


def test_found_where_the_stack_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` finds it there, and so do its processes, which work in the data folder."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    flows, data = tmp_path / "flows", tmp_path / "data"
    flows.mkdir()
    data.mkdir()
    (flows / "found_by_up.py").write_text(_FLOW)
    monkeypatch.setenv("ROADMAP_WORKFLOWS", "found_by_up:flow")
    monkeypatch.chdir(flows)
    settings = load_settings()
    require_workflows(settings)
    addresses = Addresses(database_url="d", redis_url="r", broker_url="b", auth_secret="s" * 32)
    options = StackOptions(
        host="127.0.0.1", port=1, flower_port=None, workers=1, concurrency=1, pool=Pool.THREADS,
        beat=False,
    )  # fmt: skip
    children = child_environment(settings, options, addresses)
    monkeypatch.chdir(data)
    monkeypatch.setenv(STARTED_IN, children[STARTED_IN])
    sys.path.remove(str(flows))
    del sys.modules["found_by_up"]
    assert load(from_here(settings.workflows))
    del sys.modules["found_by_up"]


def test_nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is left out when nothing of it is named."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    monkeypatch.chdir(tmp_path)
    assert from_here(["json:loads"]) == ["json:loads"]
    assert str(tmp_path) not in sys.path
