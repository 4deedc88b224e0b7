"""What follows from what a worker says of itself."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from core.pulse import Pulse, pulse_folder, read_pulses
from core.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_000_000.0
WELL = Pulse(
    node="worker@here",
    pid=1,
    slots=2,
    wanted=["maintenance", "roadmap"],
    at=NOW - 1,
    loop_at=NOW - 1,
    consumer_at=NOW - 1,
    queues=["roadmap", "maintenance"],
    consumed=3,
    consumed_at=NOW - 20,
    active=1,
)


def test_a_healthy_worker() -> None:
    """It turns, listens, and took a message lately."""
    assert WELL.hangs(NOW) is None
    assert WELL.deaf(NOW) is None
    assert WELL.proved(NOW, within_s=60)


def test_idle_for_long_is_no_proof_and_busy_is() -> None:
    """Without a message lately only a full worker has proved itself."""
    idle = replace(WELL, consumed_at=NOW - 100)
    assert not idle.proved(NOW, within_s=60)
    assert replace(idle, active=2).proved(NOW, within_s=60)


def test_a_child_that_stands_still() -> None:
    """It is named, and makes the worker no candidate for a restart: others work, it is replaced."""
    held = replace(WELL, child=7, child_since=NOW - 20, held_up_by="`draw` (flows.py:7)")
    assert held.hangs(NOW) is None
    remark = held.remark(NOW) or ""
    assert "its child 7 has not turned for 20 s: `draw` (flows.py:7) holds it up" in remark
    assert replace(held, child_since=NOW - 2).remark(NOW) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at": NOW - 60}, "frozen"),
        ({"loop_at": NOW - 60}, "event loop"),
        ({"loop_at": NOW - 60, "held_up_by": "`draw` (flows.py:7)"}, "`draw` (flows.py:7)"),
    ],
)
def test_what_hangs(change: dict[str, Any], said: str) -> None:
    """A silent process, or one whose event loop no longer turns, is to be restarted."""
    assert said in (replace(WELL, **change).hangs(NOW) or "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"consumer_at": NOW - 60}, "broker"),
        ({"queues": ["maintenance"]}, "no longer listens to roadmap"),
    ],
)
def test_what_is_deaf(change: dict[str, Any], said: str) -> None:
    """A consumer that does not turn, or that left a queue, takes no messages."""
    deaf = replace(WELL, **change)
    assert deaf.hangs(NOW) is None
    assert said in (deaf.deaf(NOW) or "")


def test_a_full_disk_freezes_no_pulse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings_env: pytest.MonkeyPatch
) -> None:
    """Where no new file has room, the one that is there tells what the worker does, even longer."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    WELL.write()
    later = replace(WELL, at=NOW, held_up_by="a longer text than before " * 20)

    def full(_path: Path, _text: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    before = next(pulse_folder().glob("*.json")).stat()
    later.write()
    assert read_pulses(pulse_folder()) == [later]
    after = next(pulse_folder().glob("*")).stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size), "it took new room"


def test_a_folder_of_somebody_else_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings_env: pytest.MonkeyPatch
) -> None:
    """What lies where others may write is neither read nor written over."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    WELL.write()
    assert read_pulses(pulse_folder()) == [WELL]
    pulse_folder().chmod(0o777)
    assert read_pulses(pulse_folder()) == []
    with pytest.raises(OSError, match="somebody else"):
        WELL.write()


def test_stacks_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another database, broker or prefix is another folder; a password that changes is not."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    database, redis = "postgresql://u:p@h/d", "redis://:p@h:1/0"
    ours = pulse_folder(load_settings(database_url=database, redis_url=redis))
    others = [
        load_settings(database_url="postgresql://u:p@h/e", redis_url=redis),
        load_settings(database_url=database, redis_url="redis://:p@h:1/1"),
        load_settings(database_url=database, redis_url=redis, redis_prefix="b:"),
    ]
    assert len({ours, *map(pulse_folder, others)}) == 4
    changed = load_settings(database_url="postgresql://u:q@h/d", redis_url="redis://:q@h:1/0")
    assert pulse_folder(changed) == ours
    named = load_settings(database_url=database, pulse_dir=str(tmp_path / "mine"))
    assert pulse_folder(named) == tmp_path / "mine"
