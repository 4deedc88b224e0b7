"""Whatever happens to the supervisor, no server outlives it and no data is lost."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis

from embedded import EmbeddedPostgres, EmbeddedRedis

MakePostgres = Callable[..., EmbeddedPostgres]
MakeRedis = Callable[..., EmbeddedRedis]
Eventually = Callable[[Callable[[], bool]], None]

_SUPERVISOR = """
import sys
from pathlib import Path
from embedded import EmbeddedPostgres, EmbeddedRedis
postgres, redis = EmbeddedPostgres(Path(sys.argv[1])), EmbeddedRedis(Path(sys.argv[2]))
postgres.start(), redis.start()
print(postgres.pid, redis.pid, flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)


def test_a_killed_supervisor_leaves_no_server_behind(
    make_postgres: MakePostgres,
    make_redis: MakeRedis,
    eventually: Eventually,
    gone: Callable[[int], bool],
) -> None:
    """SIGKILL of the supervisor ends every server process; the next start finds all data."""
    postgres, store = make_postgres("data"), make_redis("data")  # one folder for both will do
    folder = postgres._folder.path
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR, folder, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
        text=True,
    ) as supervisor:
        assert supervisor.stdout
        servers = [psutil.Process(int(pid)) for pid in supervisor.stdout.readline().split()]
        family = [p.pid for s in servers for p in (s, *s.children(recursive=True))]
        assert len(family) > 3
        password = store._folder.password()
        port = store._folder.remembered_port()
        with redis.Redis(port=port or 0, password=password) as client:
            client.set("kept", "42")
        supervisor.kill()
    eventually(lambda: all(gone(pid) for pid in family))
    postgres.start()
    store.start()
    with redis.Redis.from_url(store.url) as client:
        assert client.get("kept") == b"42"


def test_a_restart_need_not_wait_for_the_last_server_to_end(
    make_redis: MakeRedis,
) -> None:
    """A start right after the loss of the supervisor waits until the old server has gone."""
    old, new = make_redis(), make_redis()
    old.start()
    assert old._owner_lock
    assert old._process
    os.close(old._owner_lock)  # as the kernel does when the supervisor dies
    old._owner_lock = None
    threading.Timer(0.2, old._process.send_signal, (signal.SIGTERM,)).start()
    new.start()
    assert old._process.poll() is not None
    assert new.alive()
    old._process = None  # the fixture shall not stop it again


def test_a_server_started_from_a_thread_outlives_the_thread(make_redis: MakeRedis) -> None:
    """The end of the thread that called start() does not take the server along."""
    server = make_redis()
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    assert server.alive()
