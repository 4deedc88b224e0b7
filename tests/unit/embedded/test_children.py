"""Child processes: their session, their death with us, and how they are stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from embedded import spawn_child, stop_child
from embedded.children import _preparation

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)

_DEAF = "trap '' TERM INT; echo deaf; sleep 60 & wait; wait; wait"
_PARENT = """
import sys
from embedded import spawn_child
from signal import Signals
print(spawn_child(["sleep", "60"], death_signal=Signals.SIGKILL).pid, flush=True)
sys.stdin.read()
"""


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_child_has_a_session_of_its_own() -> None:
    """Ctrl-C in our terminal does not reach a child."""
    child = spawn_child(["sleep", "60"])
    try:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
    finally:
        stop_child(child, steps=())


@linux_only
def test_a_child_dies_with_its_parent() -> None:
    """SIGKILL of the parent takes the child along."""
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert not _gone(child)
        parent.kill()
    _eventually(lambda: _gone(child))


@linux_only
def test_a_child_whose_parent_died_during_the_fork_ends_itself() -> None:
    """A child that finds another parent than the one that made it does not live on."""
    stranger = os.getppid()
    with subprocess.Popen(
        ["/bin/sleep", "60"],
        preexec_fn=_preparation(stranger, signal.SIGTERM),  # noqa: PLW1509 - it is what is tested
    ) as child:
        assert child.wait(5) == -signal.SIGKILL


@linux_only
def test_a_child_spawned_by_a_thread_outlives_the_thread() -> None:
    """The kernel's signal is tied to a thread that lasts, not to the one that asked."""
    children: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(target=lambda: children.append(spawn_child(["sleep", "60"])))
    thread.start()
    thread.join()
    _eventually(lambda: thread.native_id not in {t.id for t in psutil.Process().threads()})
    with pytest.raises(subprocess.TimeoutExpired):
        children[0].wait(0.1)
    stop_child(children[0], steps=())


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    """A program that cannot be run is reported where it was asked for, on every thread."""
    errors: list[type] = []

    def ask() -> None:
        try:
            spawn_child(["/nowhere/at/all"])
        except OSError as error:
            errors.append(type(error))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(10)
    assert errors == [FileNotFoundError]


def test_ignored_and_blocked_signals_are_not_inherited() -> None:
    """A supervisor that ignores SIGINT, as under a shell's `&`, still stops its child with it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        one, two = spawn_child(["sleep", "60"]), spawn_child(["sleep", "60"])
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        signal.signal(signal.SIGINT, before)
    assert stop_child(one, steps=[(signal.SIGINT, 10)]) == -signal.SIGINT
    assert stop_child(two, steps=[(signal.SIGTERM, 10)]) == -signal.SIGTERM


def test_a_deaf_child_is_killed_with_its_whole_group(tmp_path: Path) -> None:
    """When the signals' time is over, SIGKILL ends the child and its own children."""
    log = tmp_path / "log"
    child = spawn_child(["sh", "-c", _DEAF], log=log)
    _eventually(lambda: log.exists() and bool(psutil.Process(child.pid).children()))
    grandchild = psutil.Process(child.pid).children()[0].pid
    steps = [(signal.SIGTERM, 0.05), (signal.SIGINT, 0.05)]
    assert stop_child(child, steps=steps) == -signal.SIGKILL
    _eventually(lambda: _gone(grandchild))


def test_a_child_that_has_ended_is_only_reaped() -> None:
    """Stopping a child that is gone returns its code and sends nothing."""
    child = spawn_child(["sh", "-c", "exit 7"])
    _eventually(lambda: _gone(child.pid))
    assert stop_child(child, steps=[(signal.SIGTERM, 10)]) == 7
    assert stop_child(child, steps=[(signal.SIGTERM, 10)]) == 7


def test_output_goes_to_a_private_log(tmp_path: Path) -> None:
    """A log file collects output and errors of one child after another; only we read it."""
    log = tmp_path / "log"
    for word in ("one", "two"):
        spawn_child(["sh", "-c", f"echo {word}; echo {word} >&2"], log=log).wait(10)
    assert log.read_text() == "one\none\ntwo\ntwo\n"
    assert log.stat().st_mode & 0o777 == 0o600
