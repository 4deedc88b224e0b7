"""What `roadmap up` and `roadmap demo` refuse before they start anything."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli.exits import ExitCode
from cli.main import app
from roadmap_start import command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
        ("ALLOWED_HOSTS", "*"),
        ("API_HOST", "192.0.2.1"),
    ],
)
def test_open_doors_without_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    """Settings under which strangers would be the admin are a usage error that names what to do."""
    monkeypatch.setenv("ROADMAP_AUTH", "none")
    monkeypatch.setenv(f"ROADMAP_{name}", value)
    folder = tmp_path / "stack"
    refused = CliRunner().invoke(app, ["up", "--data-dir", str(folder), "--port", "0"])
    assert refused.exit_code == 2
    assert "ROADMAP_AUTH=jwt" in refused.output
    assert not folder.exists(), "nothing was begun"


def test_a_taken_port(tmp_path: Path) -> None:
    """It is refused before the data folder is made: there is nothing to clear away."""
    folder = tmp_path / "stack"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = CliRunner().invoke(app, ["up", "--data-dir", str(folder), "--port", port])
    assert refused.exit_code != 0
    assert port in refused.output
    assert not folder.exists(), "nothing was begun"


@pytest.mark.parametrize(("goal", "words"), [(" ", "empty"), ("x" * 2001, "2,000 characters")])
def test_a_goal_for_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, goal: str, words: str
) -> None:
    """A demo of a goal that the API would refuse is a usage error; no server is started for it."""
    monkeypatch.setattr("embedded.spawn_child", lambda *_args, **_kwargs: pytest.fail("started"))
    monkeypatch.setenv("GOAL", goal)
    folder = tmp_path / "stack"
    refused = CliRunner().invoke(app, ["demo", "--data-dir", str(folder)])
    assert (refused.exit_code, words in refused.output) == (2, True), refused.output
    assert not folder.exists(), "nothing was begun"


def test_demo_ends_as_up_would(tmp_path: Path) -> None:
    """What `up` refuses ends `demo`, which runs one, with the same exit code."""
    folder = tmp_path / "stack"
    folder.mkdir()
    folder.chmod(0o777)
    ends = {
        name: CliRunner().invoke(app, [name, "--data-dir", str(folder)]).exit_code
        for name in ("up", "demo")
    }
    assert ends == {"up": 2, "demo": 2}
    assert not list(folder.iterdir()), "nothing was begun"


def test_ctrl_c_while_the_program_is_still_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with one word and the exit code of an interrupted command, without a traceback."""

    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "import_module", interrupted)
    monkeypatch.setattr(command, "check", lambda: None)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "\nInterrupted\n"
