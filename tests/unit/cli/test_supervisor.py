"""The supervisor over small stand-in processes: restarts, back-off, stopping, logs."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from cli.child import LONGEST_DELAY_S, Backoff, ChildSpec
from cli.child_logs import LogPump, readable
from cli.standstill import Standstills
from cli.stop_signals import StopSignals
from cli.supervisor import Supervisor
from core.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STAYS = "import time; print('here', flush=True); time.sleep(600)"
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('here', flush=True); time.sleep(600)"
)
HAS_A_CHILD = (
    "import subprocess, sys, time;"
    " p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    " print('child', p.pid, flush=True); time.sleep(600)"
)
DIES = "print('ERROR no luck', flush=True); raise SystemExit(3)"


class Scene:
    """A supervisor under test and what it said."""

    def __init__(self, folder: Path, stop: StopSignals) -> None:
        """Nothing runs yet."""
        self.folder = folder
        self.stop = stop
        self.said: list[str] = []
        self.changes = 0
        self.logs = LogPump(folder, forward=lambda name, line: self.said.append(f"{name}: {line}"))
        self.supervisor: Supervisor | None = None

    def start(self, servers: dict[str, Any] | None = None, **programs: str) -> Supervisor:
        """Start programs by name, all at once."""
        specs = [
            ChildSpec(
                name=name,
                args=(sys.executable, "-c", program),
                env=dict(os.environ),
                cwd=self.folder,
                grace_s=1.0,
                stop_phase=int(name[-1]) if name[-1].isdigit() else 0,
            )
            for name, program in programs.items()
        ]
        self.supervisor = Supervisor(
            specs,
            servers=servers or {},
            logs=self.logs,
            stop=self.stop,
            say=self.said.append,
            on_change=self._changed,
            standstills=Standstills(self.folder / "pulses", say=self.said.append, replace_s=0.2),
        )
        self.supervisor.start(early=False)
        return self.supervisor

    def until(self, condition: Callable[[], bool], *, within_s: float = 8.0) -> None:
        """Tick until a condition holds."""
        assert self.supervisor is not None
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, self.said
            self.supervisor.tick()
            self.stop.wait(0.02)

    def wrote(self, name: str) -> str:
        """Return a child's log."""
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def _changed(self) -> bool:
        self.changes += 1
        return True


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A supervisor's surroundings; everything is stopped at the end."""
    with StopSignals() as stop:
        scene = Scene(tmp_path, stop)
        yield scene
        if scene.supervisor is not None:
            for child in scene.supervisor.children.values():
                child.kill()
            scene.supervisor.stop_children()
        scene.logs.close()


def test_a_killed_child_is_back_within_a_second(scene: Scene) -> None:
    """A process that was killed is started again at once, and the change is told."""
    supervisor = scene.start(api=STAYS)
    before = supervisor.children["api"].pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    begun = time.monotonic()
    scene.until(lambda: supervisor.children["api"].pid not in {before, None} and scene.changes > 0)
    assert time.monotonic() - begun < 2
    assert any("SIGKILL" in said for said in scene.said)


def test_a_worker_that_stands_still_is_told_and_replaced(
    scene: Scene, settings_env: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds it up is said once; one frozen from outside, or with children, is let alone."""
    settings_env.setenv("ROADMAP_PULSE_DIR", str(scene.folder / "pulses"))
    monkeypatch.setattr("cli.standstill._LOOK_S", 0.05)
    supervisor = scene.start(worker1=STAYS, worker2=STAYS, worker3=STAYS)
    before = {name: child.pid for name, child in supervisor.children.items()}
    now = time.time()
    stands = Pulse(
        node="worker1",
        pid=before["worker1"] or 0,
        slots=1,
        wanted=[],
        at=now,
        loop_at=now - 20,
        consumer_at=now,
        queues=[],
        held_up_by="`draw` (flows.py:7)",
    )
    frozen = replace(stands, node="worker2", pid=before["worker2"] or 0, at=now - 100)
    prefork = replace(stands, node="worker3", pid=before["worker3"] or 0, loop_at=now)
    for pulse in (stands, frozen, replace(prefork, child=7, child_since=now - 20)):
        pulse.write()
    scene.until(lambda: supervisor.children["worker1"].pid not in {before["worker1"], None})
    told, child = sorted(said for said in scene.said if "flows.py" in said)
    assert told.startswith("worker1 stands still: `draw` (flows.py:7) holds up its event loop")
    assert child.startswith("worker3: the event loop of its child 7 has not turned for")
    for name in ("worker2", "worker3"):
        assert supervisor.children[name].pid == before[name]


def test_what_a_child_leaves_behind_goes_with_it(scene: Scene) -> None:
    """When a process dies, its own children (a prefork pool) are swept with its group."""
    supervisor = scene.start(worker1=HAS_A_CHILD)
    scene.until(lambda: len(scene.wrote("worker1").split()) > 1)
    grandchild = psutil.Process(int(scene.wrote("worker1").split()[1]))
    pid = supervisor.children["worker1"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    scene.until(lambda: not grandchild.is_running() or grandchild.status() == "zombie")


def test_a_child_that_keeps_dying_waits_longer_each_time(scene: Scene) -> None:
    """Deaths in a row are counted, said, and followed by longer and longer waits."""
    supervisor = scene.start(beat=DIES)
    scene.until(lambda: supervisor.children["beat"].deaths >= 3)
    waits = [said.rsplit(" ", 2)[1] for said in scene.said if "exit code 3" in said]
    assert waits[:3] == ["0.5", "1.0", "2.0"]
    assert any("no luck" in said for said in scene.said)


def test_backoff_doubles_stays_and_resets() -> None:
    """Quick deaths double the wait up to a limit; a healthy life resets it."""
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(4)] == [0.5, 1.0, 2.0, 4.0]
    assert backoff.after(20.0) == 1.0
    assert backoff.after(120.0) == 0.5
    assert [backoff.after(0.1) for _ in range(9)][-1] == LONGEST_DELAY_S


def test_stopping_goes_phase_by_phase(scene: Scene) -> None:
    """Lower phases have ended before the next one is asked to stop."""
    polite = (
        "import signal, sys, time\n"
        "def end(*_): print(time.time(), flush=True); time.sleep(0.2); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('here', flush=True)\ntime.sleep(600)"
    )
    supervisor = scene.start(first0=polite, second1=polite)
    scene.until(lambda: "here" in scene.wrote("first0") and "here" in scene.wrote("second1"))
    supervisor.stop_children()
    scene.logs.close()
    first, second = (float(scene.wrote(name).split()[1]) for name in ("first0", "second1"))
    assert second - first >= 0.2
    assert all(child.pid is None for child in supervisor.children.values())


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(scene: Scene) -> None:
    """Stopping ends, whatever the child does."""
    supervisor = scene.start(flower=IGNORES_SIGTERM)
    scene.until(lambda: "here" in scene.wrote("flower"))
    begun = time.monotonic()
    supervisor.stop_children()
    assert 0.9 < time.monotonic() - begun < 4
    assert "flower does not stop; killing it" in scene.said


def test_what_has_just_ended_is_stopped_like_the_rest(scene: Scene) -> None:
    """A process that ended by itself, and that nobody has looked at yet, is no obstacle."""
    supervisor = scene.start(api=DIES, beat=STAYS)
    pid = supervisor.children["api"].pid
    assert pid is not None
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    supervisor.stop_children()
    assert [child.pid for child in supervisor.children.values()] == [None, None]


def test_a_third_signal_kills_at_once(scene: Scene) -> None:
    """People who insist do not wait for the grace."""
    supervisor = scene.start(worker1=IGNORES_SIGTERM)
    scene.until(lambda: "here" in scene.wrote("worker1"))
    scene.stop.count = 1
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
    begun = time.monotonic()
    supervisor.stop_children()
    assert time.monotonic() - begun < 0.9


def test_a_dead_server_is_started_again(scene: Scene) -> None:
    """An embedded server that died is started again, and the change is told."""

    class Server:
        pid = 1
        starts = 0

        def alive(self) -> bool:
            return self.starts > 0

        def start(self) -> None:
            self.starts += 1

        def stop(self) -> None:
            """Nothing runs."""

    server = Server()
    scene.start(servers={"redis": server})
    scene.until(lambda: server.starts == 1 and scene.changes == 1)
    assert "redis is back" in scene.said


def test_a_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that grows too large is set aside, and only one old one is kept."""
    monkeypatch.setattr("cli.child_logs.FILE_LIMIT_BYTES", 1000)
    pump = LogPump(tmp_path, forward=lambda _name, _line: None)
    with os.fdopen(pump.open("api"), "w") as out:
        for _ in range(200):
            out.write("x" * 99 + "\n")
            out.flush()
            time.sleep(0.0005)
    pump.close()
    sizes = sorted(path.stat().st_size for path in tmp_path.iterdir())
    assert len(sizes) == 2
    assert max(sizes) < 10_000


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "error", "event": "it_broke", "task_id": "t"}', "error: it_broke task_id=t"),
        ('{"level": "info", "event": "it_works"}', None),
        ("[2026-11-22] ERROR/MainProcess] no broker", "[2026-11-22] ERROR/MainProcess] no broker"),
        ("just talking", None),
    ],
)
def test_only_errors_reach_people(line: str, shown: str | None) -> None:
    """Of all output, errors are shown, JSON ones in words."""
    assert readable(line, everything=False) == shown


def test_verbose_shows_everything() -> None:
    """With --verbose every line is shown."""
    assert readable('{"level": "info", "event": "it_works"}', everything=True) == "info: it_works"


def test_signals_wake_who_waits() -> None:
    """A wait ends as soon as a signal comes."""
    with StopSignals() as stop:
        threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
        begun = time.monotonic()
        while not stop.requested and time.monotonic() - begun < 5:
            stop.wait(5)
        assert time.monotonic() - begun < 2
        assert stop.count == 1
