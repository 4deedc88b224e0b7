"""What the doctor and `up` say about settings, a stack of another shell, and the API."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cli.data_dir import DataDir
from cli.plan import open_settings
from cli.provider_checks import what_is_missing
from cli.service_checks import check_workers
from cli.troubles import check_api
from core.pulse import Pulse
from core.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

DATABASE = "postgresql+asyncpg://a:b@h/d"


def test_the_doctor_is_red_for_a_placeholder(
    no_settings: pytest.MonkeyPatch, roadmap: Callable[..., Any]
) -> None:
    """A key that is a placeholder is required and missing: exit code 1."""
    no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
    no_settings.setenv("ROADMAP_LLM_API_KEY", "your_key_here")
    result = roadmap("doctor", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["ok"] is False
    bad = [finding["name"] for finding in document["required"] if not finding["ok"]]
    assert bad == ["language model"]


def test_the_doctor_is_yellow_without_a_stack(roadmap: Callable[..., Any]) -> None:
    """On a fresh machine nothing required is wrong; that no stack runs is a hint."""
    result = roadmap("doctor")
    assert result.exit_code == 0
    assert "BAD" not in result.stdout
    assert "hint stack" in result.stdout


def test_the_doctor_tells_what_the_stack_was_given_and_this_shell_not(
    roadmap: Callable[..., Any], tmp_path: Path
) -> None:
    """A model or workflows of a stack's own are not passed over in silence by another shell."""
    folder = DataDir(tmp_path / "d")
    folder.create()
    folder.write_stack({"token": "x"})
    folder.keep_settings({"llm_provider": "openai", "workflows": "book:book"})
    told = roadmap("doctor", "--data-dir", str(folder.path)).stdout
    assert "ROADMAP_LLM_PROVIDER=openai ROADMAP_WORKFLOWS=book:book, this shell was not" in told


def test_what_a_stack_was_given_holds_no_secret() -> None:
    """What its folder tells of the settings leaves out keys and addresses with passwords."""
    settings = load_settings(llm_provider="openai", llm_api_key="k", database_url=DATABASE)
    assert open_settings(settings) == {"llm_provider": "openai"}


def test_up_says_what_the_model_cannot_be_asked_without() -> None:
    """A stack without its model's key starts, and says that tasks will fail."""
    assert "LLM_API_KEY is not" in what_is_missing(load_settings(llm_provider="openai"))
    assert what_is_missing(load_settings()) == ""


def test_the_doctor_names_a_wrong_setting(
    no_settings: pytest.MonkeyPatch, roadmap: Callable[..., Any]
) -> None:
    """A setting that stops the program is a finding like any other."""
    no_settings.setenv("ROADMAP_LEASE_S", "soon")
    result = roadmap("doctor")
    assert result.exit_code == 1
    assert "ROADMAP_LEASE_S" in result.stdout


def test_the_doctor_says_what_the_api_misses(api: Any) -> None:
    """An API that answers, but is not ready, is told from one that is silent."""
    assert check_api(api.url).ok is False
    api.dies_after = 0
    assert "not ready. Reads fail." in check_api(api.url).message
    assert "does not answer" in check_api("http://127.0.0.1:1").message


def test_a_frozen_worker_is_told_from_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One whose process is there and does nothing is named; of one that has ended nothing is."""
    monkeypatch.setattr("cli.service_checks.WorkerPing.answering", lambda _self: set())
    before = time.time() - 40
    for node, pid in (("frozen@here", os.getpid()), ("ended@here", 2**22 + 1)):
        pulse = Pulse(
            node=node, pid=pid, slots=4, wanted=[], queues=[],
            at=before, loop_at=before, consumer_at=before,
        )  # fmt: skip
        (tmp_path / f"{node}.json").write_text(json.dumps(asdict(pulse)))
    tmp_path.chmod(0o700)
    found = check_workers("redis://127.0.0.1:1/0", pulses=tmp_path)
    assert found.message.startswith(f"none answers; frozen@here (process {os.getpid()}) says noth")
    assert "ended@here" not in found.message
    (tmp_path / "frozen@here.json").unlink()
    assert "start one with" in check_workers("redis://127.0.0.1:1/0", pulses=tmp_path).message
