"""A kind of content that is one more file: nothing else is told of it, and everything has it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

ROOT: Final = Path(__file__).resolve().parents[2]
KINDS: Final = Path("roadmaps/kinds")
FILE: Final = '''\
"""An exercise: something to do with one's own hands."""

from pathlib import Path

from pydantic import Field

from core.provider_errors import ContentRefusedError
from llm.output import Output
from roadmaps.kinds.kind import Kind


class ExerciseDraft(Output):
    """One thing to do."""

    task: str = Field(min_length=1, description="What to do, in one sentence.")
    hints: list[str] = Field(min_length=1, description="What helps, the least telling first.")


class ExerciseKind(Kind):
    """Something to do with one's own hands."""

    name = "exercise"
    output = ExerciseDraft
    asks = """
    {% block system %}{% from "_shared.j2" import rules %}
    You set one exercise. {{ rules(language) }}{% endblock %}
    {% block user %}{% from "_shared.j2" import place, roadmap %}
    {{ roadmap(learner, topic, context) }}
    {{ title | data("concept") }} {{ place(context) }}{% endblock %}
    """

    def sample(self, inputs):
        if Path(__file__).with_name("stuck").exists():  # for the test: a model that refuses
            raise ContentRefusedError("Not now.")
        return None


KIND = ExerciseKind()
'''
API: Final = "/api/v1"
OVER: Final = {"completed", "partial_failure", "failed", "cancelled"}


def test_a_kind_is_one_file(
    start_stack: Callable[..., RunningStack],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Written, told, shown, printed, retried, written for an older roadmap, and audited."""
    home = _copied(tmp_path / "home")
    monkeypatch.chdir(home)
    paths = (home, home / "clients/python/src")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(path) for path in paths))
    data = tmp_path / "data"
    stack = start_stack(data, "--no-flower", "--no-beat", SAMPLE_LATENCY_S="0")
    with stack.client() as api:
        older = _made(api)
        assert older["status"] == "completed"
    assert stack.stop() == 0

    (home / KINDS / "exercise.py").write_text(FILE)
    (home / KINDS / "stuck").touch()
    stack = start_stack(data, "--no-flower", "--no-beat", SAMPLE_LATENCY_S="0")
    with stack.client() as api:
        task = _made(api)
        assert task["status"] == "partial_failure"
        assert {failed["kind"] for failed in task["failed_contents"]} == {"exercise"}
        (home / KINDS / "stuck").unlink()
        task = _ended(api, api.post(f"{API}/tasks/{task['task_id']}/retry"))
        assert task["status"] == "completed"
        _is_told(api, task)
        concept = _is_shown(api, task)
        _is_printed(data, task, concept)
        _is_written_later(api, older)
    _is_audited(stack, data)


def _is_told(api: httpx.Client, task: dict[str, Any]) -> None:
    events = api.get(f"{API}/tasks/{task['task_id']}/events", params={"limit": 1000}).json()
    own = [event for event in events["events"] if event["data"].get("kind") == "exercise"]
    assert {event["type"] for event in own} == {
        "content_started",
        "content_failed",
        "content_completed",
    }
    assert own[-1]["message"].startswith("Exercise for '")


def _is_shown(api: httpx.Client, task: dict[str, Any]) -> dict[str, Any]:
    tree = _tree(api, task)
    assert tree["kinds"][-1] == {"name": "exercise", "label": "Exercise", "text": None}
    for concept in _concepts(tree):
        assert concept["contents"]["exercise"]["status"] == "completed"
        assert list(concept["contents"])[-1] == "exercise"
    shown = _concept(api, tree)
    assert shown["exercise"].keys() == {"task", "hints", "version"}
    assert shown["versions"]["exercise"] == shown["exercise"]["version"] == 1
    schemas = api.get("/api/openapi.json").json()["components"]["schemas"]
    assert "exercise" in schemas["ContentStates"]["required"]
    assert schemas["Exercise"]["properties"].keys() == {"task", "hints", "version"}
    return shown


def _is_printed(data: Path, task: dict[str, Any], concept: dict[str, Any]) -> None:
    assert "tutorial, resources, quiz, exercise" in _cli(data, "show", task["roadmap_id"])
    said = _cli(data, "show", task["roadmap_id"], "--concept", concept["concept_id"])
    for words in ("Exercise", "Task: ", "Hints", "  • "):
        assert words in said


def _is_written_later(api: httpx.Client, older: dict[str, Any]) -> None:
    """A roadmap from before the kind has one when somebody asks for it, and not by itself."""
    tree = _tree(api, older)
    states = [concept["contents"]["exercise"] for concept in _concepts(tree)]
    assert {(state["status"], state["version"]) for state in states} == {("pending", None)}
    path = f"{API}/roadmaps/{older['roadmap_id']}/concepts/{_concept(api, tree)['concept_id']}"
    assert api.get(path).json()["exercise"] is None
    done = _ended(api, api.post(f"{path}/regenerate", json={"kinds": ["exercise"]}))
    assert done["status"] == "completed"
    assert api.get(path).json()["exercise"]["version"] == 1
    states = [concept["contents"]["exercise"] for concept in _concepts(_tree(api, older))]
    assert [state["version"] for state in states].count(1) == 1


def _is_audited(stack: RunningStack, data: Path) -> None:
    """Of all contents the audit finds the one exercise that is not as its file says."""

    async def breaking() -> None:
        connection = await asyncpg.connect(stack.info["database_url"].replace("+asyncpg", ""))
        try:
            await connection.execute(
                "UPDATE parts SET body = '{\"task\": 3}' WHERE content_id = (SELECT content_id"
                " FROM parts WHERE kind = 'exercise' AND status = 'completed' LIMIT 1)"
            )
        finally:
            await connection.close()

    asyncio.run(breaking())
    found = json.loads(_cli(data, "db", "check", "--json", code=1))
    assert [left["kind"] for left in found["audit"]["left"]] == ["content_shape"]


def _made(api: httpx.Client) -> dict[str, Any]:
    request = {"goal": "learn to bake sourdough bread", "review": False}
    return _ended(api, api.post(f"{API}/tasks", json=request))


def _ended(api: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    """Follow the task of an answer to its end."""
    assert accepted.status_code == 202, accepted.text
    task: dict[str, Any] = accepted.json()
    while task["status"] not in OVER:
        page = {"after": task["last_seq"], "wait": 10}
        assert api.get(f"{API}/tasks/{task['task_id']}/events", params=page).json()["events"]
        task = api.get(f"{API}/tasks/{task['task_id']}").json()
    return task


def _tree(api: httpx.Client, task: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = api.get(f"{API}/roadmaps/{task['roadmap_id']}").json()
    return tree


def _concept(api: httpx.Client, tree: dict[str, Any]) -> dict[str, Any]:
    first = _concepts(tree)[0]["concept_id"]
    shown: dict[str, Any] = api.get(f"{API}/roadmaps/{tree['roadmap_id']}/concepts/{first}").json()
    return shown


def _concepts(tree: dict[str, Any]) -> list[dict[str, Any]]:
    modules = [module for stage in tree["stages"] for module in stage["modules"]]
    return [concept for module in modules for concept in module["concepts"]]


def _cli(data: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments, "--data-dir", str(data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _copied(home: Path) -> Path:
    """Return a folder with our code as it is, whose folder of kinds takes further files."""
    inside = sorted({KINDS, *KINDS.parents})
    for folder in inside:
        (home / folder).mkdir(exist_ok=True)
        for entry in (ROOT / folder).iterdir():
            if folder / entry.name not in inside and not entry.name.startswith((".", "__")):
                (home / folder / entry.name).symlink_to(entry)
        if (ROOT / folder / "__init__.py").exists():
            (home / folder / "__init__.py").symlink_to(ROOT / folder / "__init__.py")
    return home
