"""What people are told: complete commands, one cause each, in words that fit what happened."""

from __future__ import annotations

import errno
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from cli import hints, ports
from cli.console import note
from cli.database_shell import psql_call, psql_for
from cli.editor import edit_text
from cli.exits import CommandError
from core.addresses.postgres import postgres_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    Command = Callable[..., Result]

TASK = "01990000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("folder", ["my stack's data", "data", "dätä $HOME"])
def test_a_command_in_a_message_works_where_it_is_pasted(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever names a command names its data-dir, quoted, and the program's path."""
    monkeypatch.setattr("cli.hints.shutil.which", lambda _: None)
    app = typer.Typer()

    @app.command()
    def anything(*, data_dir: Annotated[str, typer.Option()]) -> None:
        assert data_dir
        note(f"Start it with: {hints.command('up')}")
        note("No luck; `roadmap doctor --json` tells more, `roadmap completion bash` does not.")

    data_dir = str(tmp_path / folder)
    said = CliRunner().invoke(app, ["--data-dir", data_dir]).stderr.splitlines()
    program = shlex.split(said[0].partition(": ")[2])
    assert program[0].endswith("/roadmap")
    assert program[1:] == ["up", "--data-dir", data_dir]
    doctor, completion = said[1].split("`")[1::2]
    assert shlex.split(doctor)[1:] == ["doctor", "--json", "--data-dir", data_dir]
    assert shlex.split(completion)[1:] == ["completion", "bash"]


@pytest.mark.parametrize(
    ("reason", "told", "advice"),
    [
        (OSError(errno.EADDRINUSE, "x"), "Port 80 on 127.0.0.1 is taken", "--port 0"),
        (PermissionError(errno.EACCES, "x"), "may not listen on port 80", "--port 0"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "no address of this machine", "--host"),
        (socket.gaierror(-2, "x"), "no address of this machine", "--host"),
    ],
)
def test_what_is_in_the_way_of_a_port(
    reason: OSError, told: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that is taken, one that is not ours to take, and a wrong address are three things."""
    monkeypatch.setattr("embedded.ports.why_not", lambda *_, **__: reason)
    with pytest.raises(CommandError) as caught:
        ports.choose_port("127.0.0.1", 80, 8000, option="--port")
    assert told in caught.value.message
    assert advice in caught.value.message


def test_a_request_that_is_not_valid_is_not_to_be_retried(api: Any, roadmap: Command) -> None:
    """Where a retry would be refused another request is advised."""
    api.status = "failed"
    api.error = {"code": "invalid_request", "message": "No.", "step": "intent_analysis"}
    said = roadmap("show", TASK).stderr
    assert "roadmap generate" in said
    assert "roadmap retry" not in said


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "roadmap token --user NAME`"), (403, "roadmap token --user NAME --role admin`")],
)
def test_a_token_that_does_not_do_names_the_one_that_does(
    api: Any, roadmap: Command, status: int, told: str
) -> None:
    """Only an admin's command asks for an admin's token."""
    api.problem = {"status": status, "detail": "No."}
    result = roadmap("redis")
    assert result.exit_code == 2
    assert told in result.stderr


def test_what_is_wrong_with_a_request_is_said_once(api: Any, roadmap: Command) -> None:
    """A field is named as the user gave it, and its reason stands there one time."""
    errors = [{"field": "body.goal", "message": "must not be empty", "type": "string_too_short"}]
    detail = "The request is not valid: body.goal must not be empty."
    api.problem = {"status": 422, "detail": detail, "errors": errors}
    result = roadmap("generate", " ")
    assert result.exit_code == 2
    assert result.stderr.strip() == "Error: The request is not valid: goal must not be empty"


def test_psql_is_given_no_secret_to_show() -> None:
    """The password is in the environment alone, and sessions only read unless told otherwise."""
    address = postgres_address("postgresql://u:canary-4711@h1:1,h2:2/d?sslmode=require")
    arguments, environment = psql_call(address, write=False)
    assert "canary" not in " ".join(arguments)
    assert environment["PGPASSWORD"] == "canary-4711"
    assert "host=h1%2Ch2" in arguments[0]
    assert "sslmode=require" in arguments[0]
    assert "read_only=on" in environment["PGOPTIONS"]
    assert "PGOPTIONS" not in psql_call(address, write=True)[1]


def test_psql_is_not_asked_for_a_password_that_it_cannot_be_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a key of a certificate has one, our own shell connects, which knows it."""
    monkeypatch.setattr("cli.database_shell.find_psql", lambda: "/usr/bin/psql")
    secured = "postgresql://u@h/d?sslmode=require"
    assert psql_for(postgres_address(secured)) == "/usr/bin/psql"
    assert psql_for(postgres_address(f"{secured}&sslpassword=canary-4711")) is None


@pytest.mark.parametrize(("owner", "column"), [("local", False), ("alice", True)])
def test_an_admins_list_says_whose_tasks_they_are(
    api: Any, roadmap: Command, owner: str, *, column: bool
) -> None:
    """Where one is somebody else's there is a column for it; one's own tasks need none."""
    api.owner = owner
    head, row = roadmap("list").stdout.splitlines()
    assert ("user" in head.split()) is column
    assert (owner in row.split()) is column


def test_a_task_without_a_goal_has_a_name(api: Any, roadmap: Command) -> None:
    """A message of another program may name none: its row is not blank."""
    api.goal = " "
    assert "(no goal)" in roadmap("list").stdout
    api.goal = "Learn Rust"
    assert "Learn Rust" in roadmap("list").stdout


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (None, "There is no file edits.json with the edits."),
        (b"", "edits.json is empty; it must hold the edits as JSON."),
        (b"[{'op': 1}]", "look at line 1, column 3, where it says '."),
        (b'[{"op": "remove"', "look at line 1, column 17, where it ends too early."),
        (b"\xff\xfe", "edits.json is empty"),
        (b'[\n"caf\xe9"]', "edits.json is not UTF-8 text in line 2; save the edits as UTF-8."),
        (b"\xff\xfe[", "edits.json is not UTF-8 text"),
        ("{}".encode("utf-16"), "edits.json must hold a JSON list of edits."),  # as PowerShell's >
        (b"[" * 100_000, "it is no JSON that can be read"),
        (b"[" + b"9" * 5000 + b"]", "it is no JSON that can be read"),
        (b'[{"op": NaN}]', "it holds a number that JSON does not have"),
        (b'[{"op": 1e999}]', "it holds a number that JSON does not have"),
        (b'[{"op": "\\ud800"}]', "it holds half a character"),
        (b"{}", "edits.json must hold a JSON list of edits."),
    ],
)
def test_what_is_wrong_with_a_file_of_edits(
    roadmap: Command, tmp_path: Path, held: bytes | None, told: str
) -> None:
    """A sentence says it, in words that are not Python's."""
    if held is not None:
        (tmp_path / "edits.json").write_bytes(held)
    result = roadmap("review", TASK, "--edits", "edits.json")
    assert result.exit_code == 2
    assert told in result.stderr
    assert not any(word in result.stderr for word in ("Errno", "char ", "Expecting", "codec"))


def test_a_folder_is_no_file_of_edits(roadmap: Command) -> None:
    """It is said to be one."""
    assert "is a folder" in roadmap("review", TASK, "--edits", ".").stderr


@pytest.mark.parametrize("editor", ["no-such-editor", "false", "'", " "])
def test_an_editor_that_does_not_do(monkeypatch: pytest.MonkeyPatch, editor: str) -> None:
    """What is wrong with it is said without an exception's words."""
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)
    with pytest.raises(CommandError, match=r"editor|EDITOR") as refused:
        edit_text("text")
    assert "Errno" not in refused.value.message
    assert "Command" not in refused.value.message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is full")
@pytest.mark.parametrize("words", ["--version", "--help", "list --help", "doctor --json"])
def test_an_output_that_takes_no_more_is_said(words: str) -> None:
    """A full disk below the output of a command is told in one line, not in a trace."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    said = "Error: What this command prints cannot be written: No space left on device.\n"
    assert done.stderr == said
