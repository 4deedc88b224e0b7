"""Another program was quicker to listen on a port: whose answer counts, and who gives way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from cli import readiness
from cli.data_dir import DataDir
from cli.exits import CommandError
from cli.ports import choose_port, elsewhere
from cli.readiness import Readiness
from core.errors import SettingsError
from core.settings import load_settings
from embedded.ports import is_free
from tests.unit.cli.test_setup import HOST, options, taken_port

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("name", "field"), [("api", "port"), ("flower", "flower_port")])
def test_a_port_that_we_chose_and_lost_gives_way(name: str, field: str) -> None:
    """A process that ended gets another port if its own is taken, and stays where it is if not."""
    with taken_port() as port:
        lost = options(**{field: port}, movable=frozenset({name}))
        moved = elsewhere(lost, name)
        assert moved is not None
        assert getattr(moved, field) != port
        assert is_free(getattr(moved, field), host=HOST)
        with pytest.raises(CommandError, match=rf"{port}.*another program.*port"):
            elsewhere(options(**{field: port}), name)
    assert elsewhere(lost, name) is None
    assert elsewhere(lost, "worker1") is None


def test_the_api_of_another_stack_does_not_make_ours_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What answers on our port counts only once our own process says that it listens there."""
    asked: list[tuple[str, str | None]] = []

    def answers(url: str, *, login: str | None = None) -> bool:
        asked.append((url, login))
        return login is None  # the other Flower does not know our login

    monkeypatch.setattr(readiness, "http_ok", answers)
    folder = DataDir(tmp_path / "data")
    folder.create()
    small = options()
    waits = Readiness(
        small, data_dir=folder, broker_url="redis://127.0.0.1:1", nodes=set(), pulses=tmp_path
    )
    waits.waiting.discard("workers")
    for written in (None, "1\n", "no number"):
        if written is not None:
            folder.api_pid_file.write_text(written)
        waits.look(small, api_pid=os.getpid(), worker_pids=set())
        assert waits.waiting == {"API", "Flower"}
    folder.api_pid_file.write_text(f"{os.getpid()}\n")
    waits.look(small, api_pid=os.getpid(), worker_pids=set())
    assert waits.waiting == {"Flower"}
    assert asked[-1] == ("http://127.0.0.1:5555/api/task/types", folder.flower_auth())
    waits.close()


def test_the_words_about_a_taken_port_name_each_way_out_once() -> None:
    """A port from the environment is told with its variable, and one way to any free port."""
    with taken_port() as port, pytest.raises(CommandError) as raised:
        choose_port(HOST, port, 8000, option="ROADMAP_API_PORT or --port")
    said: Any = raised.value.message
    assert said.endswith(
        "Give another one with ROADMAP_API_PORT or --port, or --port 0 for any free one."
    )


def test_an_origin_without_a_scheme_is_refused(settings_env: pytest.MonkeyPatch) -> None:
    """No browser sends such an origin: the setting says so, with an example."""
    settings_env.setenv("ROADMAP_CORS_ORIGINS", "https://a.example,localhost:3000")
    with pytest.raises(SettingsError, match=r"localhost:3000.*http://localhost:3000"):
        load_settings()
    settings_env.setenv("ROADMAP_CORS_ORIGINS", "https://a.example:8443, http://[::1]:3000,*")
    assert len(load_settings().cors_origins) == 3
