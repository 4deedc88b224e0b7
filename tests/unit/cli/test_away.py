"""What a command says when the API, or what is behind it, is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.data_dir import DataDir
from cli.troubles import what_is_down

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Command = Callable[..., Result]
    MakeEvent = Callable[..., dict[str, Any]]
    MakeRoadmap = Callable[[], dict[str, Any]]


@pytest.mark.parametrize("command", ["watch", "retry", "cancel", "review", "show"])
def test_an_unknown_task_is_a_usage_error(api: Any, roadmap: Command, command: str) -> None:
    """What does not exist ends with 2 and says so."""
    api.known = False
    result = roadmap(command, "nope")
    assert result.exit_code == 2
    assert "There is no such" in result.stderr
    assert result.stdout == ""


def test_without_a_stack_a_command_says_what_to_do(roadmap: Command) -> None:
    """No address at all: exit code 4 and how to get one."""
    result = roadmap("list")
    assert result.exit_code == 4
    assert "roadmap up" in result.stderr


def test_an_api_that_does_not_answer_is_4(
    roadmap: Command, no_settings: pytest.MonkeyPatch
) -> None:
    """A refused connection ends with 4."""
    no_settings.setenv("ROADMAP_API_URL", "http://127.0.0.1:1")
    assert roadmap("list").exit_code == 4


def test_a_token_that_cannot_be_sent_is_a_usage_error(
    roadmap: Command, no_settings: pytest.MonkeyPatch
) -> None:
    """Two lines, or letters of a word: it ends with 2, names the setting, and not the value."""
    no_settings.setenv("ROADMAP_API_URL", "http://127.0.0.1:1")
    no_settings.setenv("ROADMAP_TOKEN", "schlüssel")
    result = roadmap("list")
    assert result.exit_code == 2
    assert "ROADMAP_TOKEN: The token has characters" in result.stderr
    assert "schlüssel" not in result.stderr


@pytest.mark.parametrize(
    ("postgresql", "said"),
    [
        (
            "down",
            "PostgreSQL is down, or stands still. Start it where ROADMAP_DATABASE_URL points to",
        ),
        ("outdated", "roadmap db upgrade"),
    ],
)
def test_the_service_that_is_down_is_named(
    api: Any, roadmap: Command, postgresql: str, said: str
) -> None:
    """When the API cannot work, the message says what it misses and what to do."""
    api.dies_after, api.postgresql = 0, postgresql
    result = roadmap("list")
    assert result.exit_code == 4
    assert said in result.stderr


def test_a_stack_that_is_gone_is_named(
    roadmap: Command, tmp_path: Path, no_settings: pytest.MonkeyPatch
) -> None:
    """A stack.json that a killed stack left behind: which folder, and how to start it again."""
    folder = DataDir(tmp_path / "left behind")
    folder.create()
    folder.write_stack({"api_url": "http://127.0.0.1:1", "token": "t"})
    result = roadmap("list", "--data-dir", str(folder.path))
    assert result.exit_code == 4
    assert f"roadmap up --data-dir '{folder.path}'" in result.stderr
    folder.lock()
    result = roadmap("list", "--data-dir", str(folder.path))
    folder.unlock()
    assert result.exit_code == 4
    assert "api.log" in result.stderr


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ("Redis is full (maxmemory): tasks wait for a worker.", "Redis is full (maxmemory)"),
        ("Redis does not answer: tasks wait for a worker.", "Redis is down. Start it where"),
        ("The broker is a replica, which takes no writes: it.", "The broker is a replica"),
        ("The broker does not answer: it.", "The broker is down. Start it where ROADMAP_BROKER"),
        ("PostgreSQL is read-only: nothing is accepted.", "PostgreSQL is read-only"),
    ],
)
def test_a_service_that_refuses_is_not_to_be_started(
    no_settings: pytest.MonkeyPatch, tmp_path: Path, effect: str, said: str
) -> None:
    """What the API says of one that answers is passed on; "down" is said of silent ones alone."""
    part = effect.removeprefix("The ").split()[0].lower()
    told = what_is_down({part: "down", "effects": [effect]}, tmp_path)
    assert told.startswith(f"\n{said}")
    assert ("is down" in told) is ("does not answer" in effect)
