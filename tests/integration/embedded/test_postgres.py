"""EmbeddedPostgres on both sources of its programs."""

import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from embedded import EmbeddedPostgres, EmbeddedServerError, spawn_child, stop_child
from embedded.accounts import unprivileged_account
from embedded.ports import is_free

MakePostgres = Callable[..., EmbeddedPostgres]
Eventually = Callable[[Callable[[], bool]], None]


async def _value(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.url, timeout=5)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_an_empty_folder_becomes_a_durable_utf8_server(source: str, tmp_path: Path) -> None:
    """A first start makes the data: UTF-8, durable, on loopback alone, with the wished limit."""
    with EmbeddedPostgres(tmp_path / "new" / "data", max_connections=37) as server:
        assert server.source == source
        assert str(await _value(server, "SHOW server_version")).startswith(server.version)
        expected = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "server_encoding": "UTF8",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "37",
            "password_encryption": "scram-sha-256",
        }
        found = {name: await _value(server, f"SHOW {name}") for name in expected}
        assert found == expected
        assert await _value(server, "SELECT 'é' < 'z'") is False


async def test_data_and_port_survive_a_restart(make_postgres: MakePostgres) -> None:
    """After stop and start, by a new object, the rows are there and the URL is the same."""
    first = make_postgres()
    first.start()
    assert first.pid is not None
    assert first.alive()
    await _value(first, "CREATE TABLE kept_by_restart AS SELECT 42 AS answer")
    url = first.url
    first.stop()
    assert not first.alive()
    assert first.pid is None
    second = make_postgres()
    second.start()
    assert second.url == url
    assert await _value(second, "SELECT answer FROM kept_by_restart") == 42


async def test_a_wrong_password_is_refused(make_postgres: MakePostgres) -> None:
    """A local user who does not know the password cannot log in."""
    server = make_postgres()
    server.start()
    password = urlsplit(server.url).password
    assert password
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url.replace(password, "wrong"), timeout=5)


async def test_another_database_is_made_when_absent(make_postgres: MakePostgres) -> None:
    """The database of the URL exists, also with a name that needs quoting, also a second time."""
    name = 'tests "ä" %/1'
    for _ in range(2):
        server = make_postgres(database=name)
        server.start()
        assert await _value(server, "SELECT current_database()") == name
        server.stop()


async def test_two_stacks_run_side_by_side(make_postgres: MakePostgres) -> None:
    """Servers on two folders have their own ports and data."""
    one, two = make_postgres("one"), make_postgres("two")
    one.start()
    two.start()
    assert one.port != two.port
    await _value(one, "CREATE TABLE only_here ()")
    assert await _value(two, "SELECT to_regclass('only_here')") is None


async def test_a_second_start_on_the_same_folder_is_refused(make_postgres: MakePostgres) -> None:
    """The second start names the running server's pid, and the first goes on."""
    first, second = make_postgres(), make_postgres()
    first.start()
    with pytest.raises(EmbeddedServerError, match=f"already running.*pid {first.pid}"):
        second.start()
    assert await _value(first, "SELECT 1") == 1


async def test_a_server_that_was_killed_starts_again(
    make_postgres: MakePostgres, eventually: Eventually
) -> None:
    """SIGKILL of the postmaster shows in alive(), and start() recovers what was committed."""
    server = make_postgres()
    server.start()
    await _value(server, "CREATE TABLE kept_by_kill AS SELECT 42 AS answer")
    assert server._process
    server._process.kill()
    eventually(lambda: not server.alive())
    server.start()
    assert await _value(server, "SELECT answer FROM kept_by_kill") == 42


async def test_a_stale_pid_file_of_a_stranger_does_not_block(make_postgres: MakePostgres) -> None:
    """A postmaster.pid whose process id now belongs to somebody else is known to be stale."""
    server = make_postgres()
    # Of the server's own account, else PostgreSQL itself sees that it is a stranger.
    stranger = spawn_child(["sleep", "60"], user=unprivileged_account(server._cluster))
    try:
        stale = f"{stranger.pid}\n/nowhere\n1\n1\n\n127.0.0.1\n 1 1\nready   \n"
        (server._cluster / "postmaster.pid").write_text(stale)
        server.start()
        assert await _value(server, "SELECT 1") == 1
    finally:
        stop_child(stranger, steps=())


async def test_a_torn_pid_file_does_not_block(make_postgres: MakePostgres) -> None:
    """A postmaster.pid full of zeros, as a power failure may leave it, is in nobody's way."""
    server = make_postgres()
    (server._cluster / "postmaster.pid").write_bytes(bytes(64))
    server.start()
    assert await _value(server, "SELECT 1") == 1


async def test_a_server_started_by_hand_is_left_alone(
    make_postgres: MakePostgres, eventually: Eventually, tmp_path: Path
) -> None:
    """A start on data that a PostgreSQL of somebody else serves is refused and does no harm."""
    server = make_postgres()
    server.start()
    server.stop()
    with (tmp_path / "log").open("wb") as log:
        by_hand = server._launch(server.port, log.fileno(), log.fileno())
    try:
        eventually(lambda: server._ready(by_hand, server.port))
        with pytest.raises(EmbeddedServerError, match=f"pid {by_hand.pid}"):
            make_postgres().start()
        assert server._ready(by_hand, server.port)
        assert await _value(server, "SELECT 1") == 1
    finally:
        stop_child(by_hand, steps=[(signal.SIGINT, 10)])


async def test_another_port_is_taken_when_the_last_one_is_busy(
    make_postgres: MakePostgres,
) -> None:
    """A remembered port that somebody else uses now gives way to a free one."""
    first = make_postgres()
    first.start()
    first.stop()
    with socket.create_server(("127.0.0.1", first.port)):
        second = make_postgres()
        second.start()
        assert second.port != first.port
        assert await _value(second, "SELECT 1") == 1


async def test_a_port_lost_in_a_race_is_tried_again(
    make_postgres: MakePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the chosen port is taken before the server listens, the start goes on with another."""
    with socket.create_server(("127.0.0.1", 0)) as rival:
        taken = rival.getsockname()[1]
        server = make_postgres()
        looks = iter([True])  # the first look comes before the rival
        monkeypatch.setattr(
            "embedded.server.is_free", lambda port: next(looks, False) or is_free(port)
        )
        server._port = taken
        server.start()
        assert server.port != taken
        assert await _value(server, "SELECT 1") == 1


async def test_an_interrupted_initdb_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """The remains of an initdb that was killed are cleared away by the next start."""
    remains = tmp_path / "data" / "pgdata.new"
    remains.mkdir(parents=True)
    (remains / "PG_VERSION").write_text("9")
    with EmbeddedPostgres(tmp_path / "data") as server:
        assert await _value(server, "SELECT 1") == 1


def test_a_lost_password_file_is_reported(make_postgres: MakePostgres) -> None:
    """Data without its password file is not opened, and the message names the file."""
    server = make_postgres()
    server._folder.password_file.unlink()
    with pytest.raises(EmbeddedServerError, match=r"postgres\.password is missing.*What to do"):
        server.start()
    assert not server.alive()


def test_a_foreign_password_file_is_reported(make_postgres: MakePostgres) -> None:
    """A password that does not open the data ends the start, and no server stays behind."""
    server = make_postgres()
    server._folder.password_file.write_text("wrong")
    with pytest.raises(EmbeddedServerError, match="password authentication failed"):
        server.start()
    assert server.pid is None


def test_a_server_deaf_to_signals_is_killed_in_the_end(
    make_postgres: MakePostgres, eventually: Eventually, gone: Callable[[int], bool]
) -> None:
    """When no polite signal helps, stop() ends the server with all its processes."""
    server = make_postgres()
    server.start()
    main = psutil.Process(server.pid)
    family = [main.pid, *(child.pid for child in main.children(recursive=True))]
    main.send_signal(signal.SIGSTOP)  # deaf to every polite request
    server.stop(timeout_s=0.2)
    eventually(lambda: all(gone(pid) for pid in family))


@pytest.mark.parametrize("source", ["wheel"], indirect=True)
def test_data_picks_the_programs_of_its_own_version(
    make_postgres: MakePostgres, monkeypatch: pytest.MonkeyPatch, whole_path: str
) -> None:
    """Data made by the wheel's PostgreSQL opens with the wheel though another is on the PATH."""
    on_path = shutil.which("postgres", path=whole_path)
    if on_path is None:
        pytest.skip("there is no PostgreSQL on the PATH")
    monkeypatch.setenv("PATH", whole_path)
    server = make_postgres()
    server.start()
    assert server.source == "wheel"
    server.stop()
    other = make_postgres(binaries=Path(on_path).resolve().parent)
    major = server.version.split(".")[0]
    with pytest.raises(EmbeddedServerError, match=f"PostgreSQL {major}, which made the data"):
        other.start()
