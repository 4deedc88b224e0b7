"""The tutorial of own workflows is followed as its reader does, and its guide is Python."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import roadmap_worker
from tests.e2e.test_documents import blocks
from tests.e2e.test_strangers_package import ended
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
TUTORIAL = "docs/OWN_WORKFLOW_TUTORIAL.md"


def test_every_block_runs(
    tmp_path: Path, start_stack: Callable[..., RunningStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workflow, test and commands do what the tutorial says, in order; so does the guide's curl."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    for language, text in blocks(TUTORIAL, "python", "sh", "console"):
        if language == "python":
            name = text.splitlines()[0].removeprefix("# ")
            (tmp_path / name).write_text(text)
        elif "$ roadmap up" in text:
            (tmp_path / ".env").write_text("ROADMAP_WORKFLOWS=book:book\n")
            stack = start_stack(
                tmp_path / ".roadmap", "--no-flower", "--no-beat", WORKFLOWS="book:book"
            )
            log = (stack.folder.parent / f"{stack.folder.name}.log").read_text()
            assert """roadmap run book --input '{"topic": "Kites"}'""" in log
        elif language == "sh":
            done = subprocess.run(
                ["/bin/sh", "-ec", text],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            told.append(done.stdout)
    checked, tested, ran = told
    assert "book" in checked
    assert "nothing was done twice or lost" in tested
    assert "A book about Kites" in ran or "book" in ran
    need_program("curl")
    _asked_and_decided_by_curl(stack)


def _asked_and_decided_by_curl(stack: RunningStack) -> None:
    """Run the guide's curl lines one after the other, with what it says that the names are."""
    (text,) = (text for _, text in blocks("docs/OWN_WORKFLOWS.md", "console") if "curl" in text)
    commands = [each.strip() for each in f"\n{text}".split("\n$ ")][1:]
    given = {"API": stack.info["api_url"], "TOKEN": stack.info["token"]}

    def run(command: str) -> dict[str, Any]:
        done = subprocess.run(
            ["/bin/sh", "-ec", command],
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    ask, look, decide = commands
    given["TASK"] = task = run(ask)["task_id"]
    with stack.client() as client:
        ended(client, task, "human_review_pending")
        assert run(look)["of"] == "outline"
        assert run(decide)["task_id"] == task
        ended(client, task, "completed")


def test_the_guide_is_python() -> None:
    """Each example of the guide can be parsed, and what it imports of ours exists."""
    for _, text in blocks("docs/OWN_WORKFLOWS.md", "python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == "roadmap_worker":
                assert {name.name for name in node.names} <= set(roadmap_worker.__all__)
