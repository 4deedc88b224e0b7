"""`roadmap up` with real processes: two stacks side by side, one killed, one stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from redis import Redis

from cli.probes import http_ok

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
READY_S = 90.0
RESTART_S = 5.0
MOST_CONNECTIONS = 15


class Up:
    """A running `roadmap up` and what it wrote."""

    def __init__(self, folder: Path, *args: str) -> None:
        """Start it; `wait_ready` waits."""
        self.folder = folder
        self.data_dir = folder / "data"
        folder.mkdir(parents=True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("ROADMAP_")}
        self.env |= {"PYTHONPATH": str(ROOT), "ROADMAP_SAMPLE_LATENCY_S": "0.01"}
        self.err = folder / "stderr"
        with self.err.open("wb") as err:
            self.process = subprocess.Popen(
                self.command("up", "--port", "0", "--flower-port", "0", *args),
                cwd=folder,
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=err,
            )
        self.ready_line = ""

    def command(self, *args: str) -> list[str]:
        """Return a `roadmap` command for this stack."""
        return [sys.executable, "-P", "-m", "cli", *args, "--data-dir", str(self.data_dir)]

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command for this stack."""
        return subprocess.run(
            self.command(*args),
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def wait_ready(self) -> None:
        """Wait for the line that says so."""
        assert self.process.stdout is not None
        self.ready_line = self.process.stdout.readline().decode().strip()
        assert self.ready_line.startswith("ready http://"), self.err.read_text()

    def stack(self) -> dict[str, Any]:
        """Return what stack.json says now."""
        document: dict[str, Any] = json.loads((self.data_dir / "stack.json").read_text())
        return document

    def tree(self) -> list[psutil.Process]:
        """Return the supervisor's processes, itself included, as they are now."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def answers(self) -> bool:
        """Tell whether the API is ready."""
        return http_ok(self.stack()["api_url"] + "/readyz")


def wait_for(condition: Callable[[], bool], *, within_s: float) -> float:
    """Wait for a condition; return how long it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < within_s
        time.sleep(0.05)
    return time.monotonic() - begun


def gone(processes: list[psutil.Process]) -> bool:
    """Tell whether none of the processes runs any more."""

    def runs(process: psutil.Process) -> bool:
        try:
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return not any(runs(process) for process in processes)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Up, Up]]:
    """Two stacks at the same time: threads with everything; prefork without Flower and beat."""
    folder = tmp_path_factory.mktemp("with a space")
    first = Up(folder / "one")
    second = Up(
        folder / "two", "--pool", "prefork", "--concurrency", "2", "--no-flower", "--no-beat"
    )
    try:
        for up in (first, second):
            up.wait_ready()
        yield first, second
    finally:
        for up in (first, second):
            if up.process.poll() is None:
                left = up.tree()
                up.process.terminate()
                up.process.wait(60)
                assert gone(left)
            assert up.process.stdout is not None
            up.process.stdout.close()


@pytest.fixture
def first(stacks: tuple[Up, Up]) -> Up:
    """The stack that is stopped in the end."""
    return stacks[0]


@pytest.fixture
def second(stacks: tuple[Up, Up]) -> Up:
    """The stack that is killed in the end."""
    return stacks[1]


def test_ready_means_that_everything_answers(first: Up) -> None:
    """The ready line names the API, stack.json has the documented shape, all processes live."""
    stack = first.stack()
    assert first.ready_line == f"ready {stack['api_url']}"
    assert set(stack) == {
        "api_url", "flower_url", "database_url", "redis_url", "broker_url", "token", "pids",
    }  # fmt: skip
    assert stack["database_url"].startswith("postgresql+asyncpg://")
    pids = stack["pids"]
    assert pids["supervisor"] == first.process.pid
    assert set(pids) == {"supervisor", "postgres", "redis", "workers", "beat", "api", "flower"}
    single = [pids[name] for name in pids if name != "workers"]
    assert all(psutil.pid_exists(pid) for pid in [*single, *pids["workers"]])
    assert len(pids["workers"]) == 1
    assert (first.data_dir / "stack.json").stat().st_mode & 0o777 == 0o600
    assert first.answers()


def test_processes_have_no_more_rights_than_they_need(first: Up) -> None:
    """No process, argument or stack.json has the superuser or the owner; all files are private."""
    secrets = {
        name: (first.data_dir / f"{name}.password").read_text().strip()
        for name in ("postgres", "postgres.owner", "redis")
    }
    stack = first.stack()
    assert "roadmap_app:" in stack["database_url"]
    told = (first.data_dir / "stack.json").read_text()
    assert not [name for name, secret in secrets.items() if secret in told and name != "redis"]
    pids = stack["pids"]
    for pid in (*pids["workers"], pids["beat"], pids["api"], pids["flower"]):
        process = psutil.Process(pid)
        has = " ".join([*process.cmdline(), *process.environ().values()])
        assert not [name for name, secret in secrets.items() if secret in has]
        assert "MIGRATION" not in " ".join(process.environ())
    files = [path for path in first.data_dir.rglob("*") if "pgdata" not in path.parts]
    assert not [path for path in files if path.stat().st_mode & 0o077]
    assert not [path for path in files if "celerybeat-schedule" in path.name], "no pickle"


def test_two_stacks_do_not_meet(first: Up, second: Up) -> None:
    """Each has its own ports and data, also in a folder with a space in its name."""
    assert second.answers()
    for key in ("api_url", "database_url", "redis_url"):
        assert first.stack()[key] != second.stack()[key]
    assert second.stack()["flower_url"] is None
    assert second.stack()["pids"]["flower"] is None
    assert second.stack()["pids"]["beat"] is None


def test_a_roadmap_is_generated_from_the_command_line(first: Up, second: Up) -> None:
    """The whole way through either pool, ending with 0 and a readable roadmap."""
    for up in (first, second):
        done = up.run("generate", "Learn Rust", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert events[-1]["type"] == "task_completed"
    shown = first.run("show", events[0]["task_id"])
    assert shown.returncode == 2  # the other stack's task is unknown here
    doctor = first.run("doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout
    assert first.stack()["token"] not in doctor.stdout


def test_a_stack_has_few_connections_to_redis(first: Up) -> None:
    """Whatever was asked, by the supervisor or by Flower, nobody keeps what is not used again."""
    with Redis.from_url(first.stack()["redis_url"]) as redis:
        clients = [client for client in redis.client_list() if client["cmd"] != "client|list"]
    assert len(clients) <= MOST_CONNECTIONS, clients


def test_a_folder_has_one_stack(first: Up) -> None:
    """A second `up` on the same data-dir says whose it is, and ends with 2."""
    again = first.run("up")
    assert again.returncode == 2
    assert str(first.process.pid) in again.stderr
    assert first.answers()


@pytest.mark.parametrize("name", ["api", "workers", "beat", "flower"])
def test_a_killed_process_is_back_within_five_seconds(first: Up, name: str) -> None:
    """It is started again, and stack.json tells its new process id."""

    def pid() -> int | None:
        value = first.stack()["pids"][name]
        return value[0] if isinstance(value, list) and value else value or None

    before = pid()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: pid() not in {before, None}, within_s=RESTART_S)
    after = pid()
    assert after is not None
    assert psutil.pid_exists(after)


def test_a_killed_redis_is_back_on_its_port(first: Up) -> None:
    """The embedded servers are supervised too, and keep their addresses."""
    stack = first.stack()
    os.kill(stack["pids"]["redis"], signal.SIGKILL)
    wait_for(
        lambda: first.stack()["pids"]["redis"] not in {stack["pids"]["redis"], None},
        within_s=RESTART_S,
    )
    assert first.stack()["redis_url"] == stack["redis_url"]
    wait_for(first.answers, within_s=20)


def test_a_task_is_finished_after_all_that(first: Up) -> None:
    """The restarted processes work."""
    done = first.run("generate", "Learn chess", "--no-review", "--json")
    assert done.returncode == 0, done.stderr


def test_a_killed_supervisor_leaves_no_orphan(second: Up) -> None:
    """SIGKILL of the supervisor takes all down with it, prefork children included."""
    slow = second.run("generate", "Learn chess", "--no-review", "--detach", "--json")
    assert slow.returncode == 0, slow.stderr
    worker = psutil.Process(second.stack()["pids"]["workers"][0])
    assert len(worker.children()) == 3, "two slots and the spare one"
    processes = second.tree()
    second.process.kill()
    second.process.wait()
    wait_for(lambda: gone(processes), within_s=10)


def test_sigterm_stops_everything_in_order(first: Up) -> None:
    """Exit code 0, no process left, no stack.json."""
    processes = first.tree()
    first.process.terminate()
    assert first.process.wait(40) == 0, first.err.read_text()
    assert gone(processes)
    assert not (first.data_dir / "stack.json").exists()
    assert "killing it" not in first.err.read_text()
