"""The command line as people meet it: on a terminal, in a pipe, in a shell, on a real stack."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import pytest

from core.given import PREFIX
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
ROADMAP = Path(sys.executable).with_name("roadmap")
BASH = shutil.which("bash") or "bash"
SHOW_CURSOR, HIDE_CURSOR = b"\x1b[?25h", b"\x1b[?25l"
TASK_ID = re.compile(r"task ([0-9a-f-]{36})")
Open = "Callable[..., Terminal]"


@pytest.fixture(scope="module")
def stack(
    start_stack: Callable[..., RunningStack], tmp_path_factory: pytest.TempPathFactory
) -> RunningStack:
    """One stack for this module, in which the quiz and all else on one concept fail."""
    folder = tmp_path_factory.mktemp("terminal") / "data"
    settings = {"SAMPLE_LATENCY_S": "0.3", "SAMPLE_FAIL": "Borrowing"}
    return start_stack(folder, "--no-flower", "--no-beat", **settings)


@pytest.fixture
def env(stack: RunningStack) -> dict[str, str]:
    """The environment of a user's shell."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    return own | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


@pytest.fixture
def terminal(
    stack: RunningStack, env: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., Terminal]]:
    """Run commands for this stack on terminals."""
    terminals: list[Terminal] = []

    def open_terminal(
        *args: str, size: tuple[int, int] = (100, 50), **environment: str
    ) -> Terminal:
        words = [str(ROADMAP), *args, "--data-dir", str(stack.folder)]
        terminals.append(Terminal(words, cwd=tmp_path, env={**env, **environment}, size=size))
        return terminals[-1]

    yield open_terminal
    for terminal in terminals:
        terminal.close()


def run(stack: RunningStack, env: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command away from a terminal."""
    words = [str(ROADMAP), *args, "--data-dir", str(stack.folder)]
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_roadmap_from_the_goal_to_the_retry(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """Steps, review by reject and by $EDITOR, bar, failures, tree with marks, exit code 3."""
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/Installing Rust/Getting Rust, by hand,/' \"$1\"\n")
    editor.chmod(0o755)
    view = terminal("generate", "Learn Rust", EDITOR=str(editor), VISUAL="")
    asked = view.wait_for("approve, reject with feedback, edit, or later?")
    found = TASK_ID.search(asked)
    assert found
    assert "✓ Understand the goal" in asked
    assert "├── " in asked
    assert "Cargo" in asked
    assert "Due 20" in asked
    view.type("reject\r")
    view.wait_for("What should change?")
    view.type("More practice please\r")
    view.wait_for(lambda text: text.count("approve, reject with feedback") >= 2)
    view.type("e\r")
    working = view.wait_for(lambda text: re.search(r"[1-9]\d*/\d+ contents", text) is not None)
    assert "Write the contents" in working
    assert view.wait() == 3
    ended = view.text()
    assert "edit by local" in ended
    assert "✓✓✓ Getting Rust, by hand, and Cargo" in ended
    assert "✗✗✗" in ended
    assert "content_refused" in ended
    assert "3 failed" in ended
    unwrapped = ended.replace("\n", "")
    assert "Retry what is missing: " in unwrapped
    assert f"roadmap retry {found[1]} --data-dir" in unwrapped


def test_detach_and_attach(terminal: Callable[..., Terminal], stack: RunningStack) -> None:
    """Ctrl-C leaves the task alone, ends with 130 and says how to come back; `watch` does."""
    view = terminal("generate", "learn chess", "--no-review")
    view.wait_for("Understand the goal")  # which is begun: seconds of work are left
    assert view.interrupt() == 130
    left = view.text()
    found = TASK_ID.search(left)
    assert found
    assert "The task goes on. Come back with: " in left
    assert f"roadmap watch {found[1]}" in left.replace("\n", "")
    assert "Traceback" not in left
    again = terminal("watch", found[1])
    assert again.wait() == 0
    assert "Completed: " in again.text()


def test_put_aside_by_ctrl_z(terminal: Callable[..., Terminal]) -> None:
    """The shell gets its cursor back; whoever goes on sees the picture again below.

    Without a shell above it nobody could let it go on, so the system lets it go on at once.
    """
    view = terminal("generate", "learn chess", "--no-review")
    view.wait_for("Understand the goal")
    view.type("\x1a")
    view.wait_for(lambda _: HIDE_CURSOR in view.raw.partition(SHOW_CURSOR)[2])
    assert view.interrupt() == 130


def test_later_and_ctrl_c_at_the_question(terminal: Callable[..., Terminal]) -> None:
    """`later` ends with 5 and names the next command; Ctrl-C there detaches like anywhere."""
    view = terminal("generate", "learn to bake sourdough bread", size=(60, 24))
    view.wait_for("edit, or later?")
    view.type("later\r")
    assert view.wait() == 5
    left = view.text()
    found = TASK_ID.search(left)
    assert found
    assert f"roadmap review {found[1]}" in left.replace("\n", "")
    again = terminal("review", found[1])
    again.wait_for("edit, or later?")
    assert again.interrupt() == 130
    assert "Traceback" not in again.text()


@pytest.mark.parametrize("keys", ["\r", "a\r"], ids=["enter", "a word"])
def test_what_was_typed_before_the_question_answers_nothing(
    terminal: Callable[..., Terminal], stack: RunningStack, env: dict[str, str], keys: str
) -> None:
    """Keys that are pressed while the outline is made neither approve it unseen nor leave it."""
    view = terminal("generate", "learn to bake sourdough bread")
    view.wait_for("Understand the goal")
    view.type(keys)
    asked = view.wait_for("edit, or later?")
    found = TASK_ID.search(asked)
    assert found
    view.type("who?\r")
    view.wait_for("Type one of approve")
    assert run(stack, env, "review", found[1]).returncode == 5
    view.type("later\r")
    assert view.wait() == 5


@pytest.mark.parametrize(
    ("size", "environment"),
    [
        ((38, 10), {"NO_COLOR": "1"}),
        ((100, 40), {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ],
    ids=["narrow and colourless", "ascii"],
)
def test_any_terminal(
    terminal: Callable[..., Terminal], size: tuple[int, int], environment: dict[str, str]
) -> None:
    """Narrow, colourless and ASCII terminals show the same, as well as they can."""
    if "PYTHONUTF8" in environment and not str(ROADMAP).isascii():
        pytest.skip("without UTF-8 this Python cannot name the folder of its own packages")
    view = terminal("generate", "学习弹吉他", "--no-review", size=size, **environment)
    assert view.wait() == 0
    text = view.text()
    assert "Completed: " in text
    assert "Traceback" not in text
    if "NO_COLOR" in environment:
        assert not re.search(rb"\x1b\[[0-9;]*3[0-9]m", view.raw)
    if "PYTHONUTF8" in environment:
        assert view.raw.isascii()
        assert "+++ " in text


def test_away_from_a_terminal(stack: RunningStack, env: dict[str, str]) -> None:
    """In a pipe there are plain lines; with --json one document a line, and nothing else."""
    waiting = run(stack, env, "generate", "Learn Rust", "--json")
    assert waiting.returncode == 5
    shown = [json.loads(line) for line in waiting.stdout.splitlines()]
    assert [event["seq"] for event in shown] == list(range(1, len(shown) + 1))
    assert shown[-1]["type"] == "review_required"
    task = shown[0]["task_id"]
    cancelled = run(stack, env, "cancel", task, "--json")
    assert (cancelled.returncode, json.loads(cancelled.stdout)["status"]) == (0, "cancelled")
    plain = run(stack, env, "watch", task)
    assert plain.returncode == 1
    assert "\x1b" not in plain.stdout
    line = r"^\d\d:\d\d:\d\d[+-]\d\d:\d\d +\d+\.\d%  A worker started the task$"
    assert re.search(line, plain.stdout, re.MULTILINE)


def test_a_reader_that_leaves(stack: RunningStack, env: dict[str, str]) -> None:
    """`| head -1` ends a command quietly, whatever it writes with."""
    where = f"--data-dir {quote(str(stack.folder))}"
    for words in (f"list --limit 100 {where}", f"redis {where}", "--help", "show --help"):
        line = f"set -o pipefail; {quote(str(ROADMAP))} {words} | head -n 1"
        done = subprocess.run(
            [BASH, "-c", line], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), words


def test_no_columns_at_all(env: dict[str, str]) -> None:
    """`COLUMNS=0`, as programs say that do not know, hides nothing."""
    asked, unsized = [str(ROADMAP), "--help"], env | {"COLUMNS": "0"}
    done = subprocess.run(
        asked, env=unsized, capture_output=True, text=True, timeout=60, check=False
    )
    assert "generate" in done.stdout


def test_the_shell_completes(stack: RunningStack, env: dict[str, str]) -> None:
    """After `source <(roadmap completion bash)` words, statuses and task ids complete."""
    script = f"""
        PATH={quote(str(ROADMAP.parent))}:"$PATH"; source <(roadmap completion bash)
        tab() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _roadmap_completion roadmap
                echo "${{COMPREPLY[*]}}"; }}
        tab roadmap wat; tab roadmap list --status comp
        tab roadmap watch --data-dir {quote(str(stack.folder))} ''
    """
    done = subprocess.run(
        [BASH, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    words, status, *tasks = done.stdout.split("\n")
    assert (words.split(), status) == (["watch"], "completed"), done.stderr
    assert re.search(r"[0-9a-f-]{36}", " ".join(tasks))


def test_the_documented_program_runs(
    stack: RunningStack, env: dict[str, str], tmp_path: Path
) -> None:
    """The example of docs/PYTHON_CLIENT.md does what it says."""
    text = (ROOT / "docs/PYTHON_CLIENT.md").read_text()
    example = re.search(r"```python\n(# example\.py\n.*?)```", text, re.DOTALL)
    assert example
    program = tmp_path / "example.py"
    program.write_text(example[1])
    own = env | {"ROADMAP_API_URL": stack.info["api_url"], "ROADMAP_TOKEN": stack.info["token"]}
    done = subprocess.run(
        [sys.executable, str(program), "learn chess"],
        env=own, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Approving" in done.stdout
    assert "completed" in done.stdout.splitlines()[-1]
