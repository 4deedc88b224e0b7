"""A stranger's package is installed, and its workflow is driven from outside alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest
from celery import Celery
from typer.testing import CliRunner

from cli.main import app
from core.ids import new_id
from core.tokens import mint_token
from tests.e2e import bookshop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx
    from typer.testing import Result

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

SECRET: Final = "a-signing-secret-of-a-bookshop-only"
ODD: Final = "a/b ü?#%2F\n."
OWN: Final = {"step", "key", "kind", "title", "version"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package is imported from."""
    return bookshop.written_to(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def stack(
    start_stack: Callable[..., RunningStack],
    tmp_path_factory: pytest.TempPathFactory,
    shop: Path,
) -> RunningStack:
    """One stack for this module, which finds the package by its entry point."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(shop))
        folder = tmp_path_factory.mktemp("books") / "data"
        return start_stack(folder, "--no-flower", AUTH_SECRET=SECRET)


@pytest.fixture
def client(stack: RunningStack) -> Any:
    """The admin's client."""
    with stack.client() as client:
        yield client


def until(look: Callable[[], Any], *, what: str, within_s: float = 40) -> Any:
    """Ask again until there is something, and return that."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come"
        threading.Event().wait(0.05)
    return found


def ended(client: httpx.Client, task: str, status: str) -> dict[str, Any]:
    """Wait until a task has a status, and return it."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"/api/v1/tasks/{task}").json()
        return found if found["status"] == status else None

    found: dict[str, Any] = until(look, what=f"{task} as {status}")
    return found


def test_over_http(client: httpx.Client, stack: RunningStack) -> None:
    """Listed, asked for, reviewed, rejected, edited, failed in part, retried, made anew, read."""
    _is_listed(client)
    here = _asked(client)
    task = here.rsplit("/", 1)[1]
    ended(client, task, "human_review_pending")
    _rejected(client, here)
    ended(client, task, "human_review_pending")
    value = _edited(client, here)
    one = f"{here}/parts/chapter/{quote(ODD, safe='')}"
    _failed_in_part(client, ended(client, task, "partial_failure"), one)
    assert client.get(f"{here}/results").json()["results"]["outline"] == value
    assert client.post(f"{here}/retry").status_code == 202
    ended(client, task, "completed")
    found = client.get(f"{here}/results").json()
    assert found["results"]["index"] == {"entries": ["CALM", ODD.upper()]}
    assert {key: set(kinds) for key, kinds in found["results"]["chapter"].items()} == {
        "calm": {"text", "picture"},
        ODD: {"text", "picture"},
    }
    alone = client.get(f"{here}/results", params={"parts": False}).json()
    assert list(alone["results"]) == ["outline", "index"]
    _made_anew(client, task, one)
    _is_paged(client, here)
    listing = {"workflow": "book", "q": "wind"}
    found = client.get("/api/v1/tasks", params=listing).json()["tasks"]
    assert [each["task_id"] for each in found] == [task]
    other = {"workflow": "roadmap", "q": "wind"}
    assert client.get("/api/v1/tasks", params=other).json()["tasks"] == []
    events = client.get(f"{here}/events").json()["events"]
    made = [e["data"] for e in events if e["type"] in {"content_started", "content_failed"}]
    assert all(data.keys() >= OWN for data in made)
    assert all(data.get("concept_id") is None for data in made)
    _nobody_else_sees_it(stack, here, one)


def _is_listed(client: httpx.Client) -> None:
    known = client.get("/api/v1/workflows").json()["workflows"]
    (book,) = [each for each in known if each["name"] == "book"]
    assert book["version"] == 1
    assert book["request_schema"]["required"] == ["topic"]
    assert [(s["name"], s["reviewed"], s["parts"], s["kinds"]) for s in book["steps"]] == [
        ("outline", True, False, []),
        ("chapter", False, True, ["text", "picture"]),
        ("index", False, False, []),
    ]


def _asked(client: httpx.Client) -> str:
    assert client.post("/api/v1/workflows/bok/tasks", json={"request": {}}).status_code == 404
    path = "/api/v1/workflows/book/tasks"
    wrong = client.post(path, json={"request": {"topic": "Wind", "chapters": 0}})
    assert wrong.status_code == 422
    assert [each["field"] for each in wrong.json()["errors"]] == ["body.request.chapters"]
    body = {"request": {"topic": "Wind", "fails": [ODD]}}
    asked = [client.post(path, json=body, headers={"Idempotency-Key": "wind"}) for _ in "12"]
    assert {each.status_code for each in asked} == {202}
    assert "retry-after" in asked[0].headers
    first, second = (each.json() for each in asked)
    assert first["task_id"] == second["task_id"]
    assert (first["workflow"], first["title"]) == ("book", "A book about Wind")
    here: str = asked[0].headers["location"]
    return here


def _rejected(client: httpx.Client, here: str) -> None:
    review = client.get(f"{here}/review")
    told = review.json()
    assert (told["of"], told["value"]["title"]) == ("outline", "Wind")
    assert told["schema"]["required"] == ["title", "chapters"]
    assert told["due_at"]
    stale, approval = {"If-Match": '"99"'}, {"decision": "approve"}
    assert client.post(f"{here}/review", json=approval, headers=stale).status_code == 412
    edits = [{"op": "remove", "concept_id": str(new_id())}]
    of_roadmaps = client.post(f"{here}/review", json={"decision": "edit", "edits": edits})
    assert of_roadmaps.status_code == 422
    no = {"decision": "reject", "feedback": "Storms"}
    read = {"If-Match": review.headers["etag"]}
    assert client.post(f"{here}/review", json=no, headers=read).status_code == 202
    assert client.post(f"{here}/review", json=no, headers=read).status_code in {409, 412}


def _edited(client: httpx.Client, here: str) -> dict[str, Any]:
    again = client.get(f"{here}/review").json()
    assert again["round"] == 2
    assert [each["title"] for each in again["value"]["chapters"]][-1] == "Storms"
    assert len(again["previous"]["chapters"]) == 2
    bad = client.post(f"{here}/review", json={"decision": "edit", "value": {"title": 1}})
    assert bad.status_code == 422
    assert "body.value.chapters" in [each["field"] for each in bad.json()["errors"]]
    value = {"title": "Wind", "chapters": [_chapter("calm"), _chapter(ODD)]}
    decision = {"decision": "edit", "value": value}
    assert client.post(f"{here}/review", json=decision).status_code == 202
    return value


def _failed_in_part(client: httpx.Client, task: dict[str, Any], one: str) -> None:
    assert task["current_step"] == "chapter"
    (missing,) = task["failed_contents"]
    assert {n: missing[n] for n in ("step", "key", "kind", "title", "code", "message")} == {
        "step": "chapter",
        "key": ODD,
        "kind": "picture",
        "title": ODD.upper(),
        "code": "no_ink",
        "message": "There is no ink left.",
    }
    nothing = client.get(one, params={"kind": "picture"}).json()
    assert (nothing["status"], nothing["body"]) == ("failed", None)
    assert client.get(one).status_code == 422


def _made_anew(client: httpx.Client, task: str, one: str) -> None:
    there = client.get(one, params={"kind": "picture"})
    assert there.json()["body"] == {"markdown": f"# {ODD.upper()}: picture"}
    kept = {"If-None-Match": there.headers["etag"]}
    assert client.get(one, params={"kind": "picture"}, headers=kept).status_code == 304
    wish = {"kinds": ["text"], "instruction": "but shorter"}
    assert client.post(f"{one}/regenerate", json=wish).status_code == 202
    ended(client, task, "completed")
    newest = client.get(one, params={"kind": "text"}).json()
    assert (newest["version"], newest["versions"]) == (2, [1, 2])
    assert newest["body"]["markdown"].endswith("text, but shorter")
    older = client.get(one, params={"kind": "text", "version": 1}).json()
    assert older["body"]["markdown"].endswith("text")


def _is_paged(client: httpx.Client, here: str) -> None:
    first = client.get(f"{here}/parts", params={"limit": 3})
    assert 'rel="next"' in first.headers["link"]
    rest = {"limit": 3, "cursor": first.json()["next_cursor"]}
    last = client.get(f"{here}/parts", params=rest).json()
    assert last["next_cursor"] is None
    parts = first.json()["parts"] + last["parts"]
    assert [(each["key"], each["kind"], each["version"]) for each in parts] == [
        ("calm", "text", 1),
        ("calm", "picture", 1),
        (ODD, "text", 2),
        (ODD, "picture", 1),
    ]
    texts = client.get(f"{here}/parts", params={"kind": "text"}).json()["parts"]
    assert [(each["key"], each["kind"]) for each in texts] == [("calm", "text"), (ODD, "text")]


def _nobody_else_sees_it(stack: RunningStack, here: str, one: str) -> None:
    with stack.client(token=mint_token(SECRET, user="bob", role=None, ttl_s=600)) as bob:
        for path in (here, f"{here}/results", f"{here}/parts", one, f"{here}/review"):
            assert bob.get(path).status_code == 404, path
        assert bob.post(f"{one}/regenerate", json={}).status_code == 404


def _chapter(slug: str) -> dict[str, str]:
    return {"slug": slug, "title": slug.upper()}


def _some_edit() -> dict[str, str]:
    return {"op": "remove", "concept_id": str(new_id())}


def test_by_celery_alone(client: httpx.Client, stack: RunningStack) -> None:
    """Three messages are one task; a wrong request fails and says why; an unknown name is told."""
    app = Celery(broker=stack.info["broker_url"])
    whole, wrong, unknown = (str(new_id()) for _ in range(3))
    for _ in range(3):
        _send(app, whole, {"topic": "Rain"}, review=False)
    _send(app, wrong, {"chapters": 3})
    _send(app, unknown, {"topic": "Rain"}, workflow="bok")
    done = ended(client, whole, "completed")
    assert (done["workflow"], done["user_id"], done["attempt"]) == ("book", "alice", 1)
    events = client.get(f"/api/v1/tasks/{whole}/events").json()["events"]
    kinds = [event["type"] for event in events]
    assert (kinds.count("task_started"), kinds.count("content_completed")) == (1, 4)
    assert "review_required" not in kinds
    failed = ended(client, wrong, "failed")
    assert failed["error"]["code"] == "invalid_request"
    assert "topic" in failed["error"]["message"]

    def set_aside() -> bool:
        found = client.get("/api/v1/admin/queue/rejected").json()["rejected"]
        return any("'bok'" in each["detail"] and "book" in each["detail"] for each in found)

    until(set_aside, what="the message with the unknown workflow")
    app.close()


def _send(app: Celery, task_id: str, request: Any, *, workflow: str = "book", **more: Any) -> None:
    asked = {"workflow": workflow, "task_id": task_id, "user_id": "alice", "request": request}
    app.send_task("workflow.run", queue="roadmap", task_id=task_id, kwargs=asked | more)


def test_by_commands(stack: RunningStack, shop: Path, tmp_path: Path) -> None:
    """Listed, run, left at its review, shown, edited, watched, shown again."""
    where = ("--data-dir", str(stack.folder))
    assert "book  version 1" in roadmap("workflows", *where).stdout
    asked = roadmap("run", "book", "--input", '{"topic": "Fog"}', "--json", *where)
    assert asked.returncode == 5, asked.stderr
    task = json.loads(asked.stdout.splitlines()[0])["task_id"]
    seen = roadmap("review", task, *where)
    assert seen.returncode == 5
    assert "Chapter 2" in seen.stdout
    told = json.loads(roadmap("review", task, "--json", *where).stdout)
    told["value"]["chapters"] = [{"slug": "mist", "title": "Mist"}]
    edited = tmp_path / "value.json"
    edited.write_text(json.dumps(told["value"]))
    assert roadmap("review", task, "--value", f"@{edited}", *where).returncode == 0
    watched = roadmap("watch", task, *where)
    assert watched.returncode == 0, watched.stderr
    assert "Completed: 2 parts." in watched.stdout
    shown = here("show", task, *where)
    assert "chapter/mist/text" in shown.stdout
    assert "Entries" in shown.stdout
    part = json.loads(here("show", task, "--part", "chapter/mist/text", "--json", *where).stdout)
    assert [each["body"] for each in part] == [{"markdown": "# Mist: text"}]
    less = json.loads(here("show", task, "--kind", "picture", "--json", *where).stdout)
    assert [each["kind"] for each in less["parts"]] == ["picture"]
    none = json.loads(here("show", task, "--no-parts", "--json", *where).stdout)
    assert ("parts" in none, list(none["results"])) == (False, ["outline", "index"])
    assert "Mist: picture" in here("show", task, "--part", "chapter/mist", *where).stdout
    listed = roadmap("list", "--workflow", "book", "--json", *where)
    assert task in [each["task_id"] for each in json.loads(listed.stdout)["tasks"]]
    wrong = roadmap("run", "book", "--input", "{}", *where)
    assert wrong.returncode == 2
    assert "request.topic is missing" in wrong.stderr
    assert roadmap("run", "bok", "--input", "{}", *where).returncode == 2
    piped = roadmap("run", "book", "--input", "-", "--no-review", *where, stdin='{"topic": "Dew"}')
    assert piped.returncode == 0, piped.stderr


def test_a_check_needs_no_stack(shop: Path, tmp_path: Path) -> None:
    """What is in order is listed; what is not is told with workflow, step and reason."""
    good = roadmap("workflows", "check", "--json", PYTHONPATH=str(shop))
    assert good.returncode == 0, good.stderr
    said = json.loads(good.stdout)
    assert {each["name"] for each in said["workflows"]} == {"roadmap", "book"}
    (hint,) = said["hints"]
    assert "'book' leaves out fields that its request does not have" in hint
    flows = bookshop.FLOWS.replace("part: Chapter,", "part: Chapter, chapters: Outline,")
    bad = bookshop.written_to(tmp_path / "bad", flows=flows)
    told = roadmap("workflows", "check", PYTHONPATH=str(bad))
    assert told.returncode == 1
    for word in ("book", "chapter", "chapters"):
        assert word in told.stderr


def here(*words: str) -> Result:
    """Run a command in this process: quicker."""
    return CliRunner().invoke(app, words)


def roadmap(*words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "cli", *words],
        env={**os.environ, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
