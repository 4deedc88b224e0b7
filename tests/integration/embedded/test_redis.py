"""EmbeddedRedis: a password, durable data, and a start that nothing stale can block."""

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import redis

from embedded import EmbeddedRedis, EmbeddedServerError

MakeRedis = Callable[..., EmbeddedRedis]


def _client(server: EmbeddedRedis) -> Any:
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_data_and_port_survive_a_restart(make_redis: MakeRedis) -> None:
    """After stop and start, by a new object, the values are there and the URL is the same."""
    first = make_redis()
    first.start()
    with _client(first) as client:
        client.set("kept", "42")
    url = first.url
    first.stop()
    assert not first.alive()
    assert first.pid is None
    second = make_redis()
    second.start()
    assert second.url == url
    with _client(second) as client:
        assert client.get("kept") == "42"


def test_it_is_durable_and_never_forgets_to_make_room(make_redis: MakeRedis) -> None:
    """Writes go to an append-only file, and a full server refuses instead of evicting."""
    server = make_redis()
    server.start()
    expected = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
        "protected-mode": "yes",
    }
    with _client(server) as client:
        assert client.config_get(*expected) == expected
        assert client.info("server")["redis_version"]


@pytest.mark.parametrize("credentials", ["", ":wrong@"])
def test_nobody_enters_without_the_password(make_redis: MakeRedis, credentials: str) -> None:
    """No password and a wrong password are both refused."""
    server = make_redis()
    server.start()
    url = f"redis://{credentials}127.0.0.1:{server.port}/0"
    with redis.Redis.from_url(url) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    assert urlsplit(server.url).password


def test_two_stacks_run_side_by_side(make_redis: MakeRedis) -> None:
    """Servers on two folders have their own ports and data."""
    one, two = make_redis("one"), make_redis("two")
    one.start()
    two.start()
    assert one.port != two.port
    with _client(one) as first, _client(two) as second:
        first.set("only", "here")
        assert second.get("only") is None


def test_a_second_start_on_the_same_folder_is_refused(make_redis: MakeRedis) -> None:
    """The second start names the running server's pid, and the first goes on."""
    first, second = make_redis(), make_redis()
    first.start()
    with pytest.raises(EmbeddedServerError, match=f"already running.*pid {first.pid}"):
        second.start()
    with _client(first) as client:
        assert client.ping()


def test_a_killed_server_starts_again_from_a_torn_file(
    make_redis: MakeRedis, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """After SIGKILL in the middle of a write, everything before that write is served."""
    server = make_redis()
    server.start()
    with _client(server) as client:
        client.set("kept", "42")
        client.set("torn", "x" * 100)
    (log,) = server._data.glob("appendonlydir/*.incr.aof")
    eventually(lambda: b"x" * 100 in log.read_bytes())  # a slow disk delays it
    assert server._process
    server._process.kill()
    eventually(lambda: not server.alive())
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 50)
    server.start()
    with _client(server) as client:
        assert client.get("kept") == "42"
        assert client.get("torn") is None


def test_another_port_is_taken_when_the_last_one_is_busy(make_redis: MakeRedis) -> None:
    """A remembered port that somebody else uses now gives way to a free one."""
    first = make_redis()
    first.start()
    first.stop()
    with socket.create_server(("127.0.0.1", first.port)):
        second = make_redis()
        second.start()
        assert second.port != first.port


def test_a_stopped_process_is_killed_in_the_end(make_redis: MakeRedis) -> None:
    """A server deaf to SIGTERM is ended by SIGKILL when its time is over."""
    server = make_redis()
    server.start()
    process = psutil.Process(server.pid)
    process.suspend()
    server.stop(timeout_s=0.2)
    assert not process.is_running()


def test_unreadable_data_ends_the_start_with_the_servers_own_words(make_redis: MakeRedis) -> None:
    """A start that fails says so at once, with the end of the server's log."""
    server = make_redis()
    server._data.mkdir(parents=True)
    (server._data / "appendonlydir").mkdir()
    (server._data / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(EmbeddedServerError, match=r"(?s)redis\.log:.*manifest"):
        server.start()
    assert server.pid is None


def test_before_the_first_start_there_is_no_url(make_redis: MakeRedis) -> None:
    """Asking a server that never started for its address says to start it."""
    with pytest.raises(EmbeddedServerError, match="call start"):
        _ = make_redis().url
