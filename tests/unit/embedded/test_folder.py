"""The data folder's files: private, whole, bounded; its locks; its ports."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import private_files
from embedded import EmbeddedServerError
from embedded.errors import explained
from embedded.folder import ServerFolder, write_private
from embedded.locks import lock_within, try_lock
from embedded.ports import free_port, is_free


def test_a_new_folder_is_private_and_an_old_one_keeps_its_rights(tmp_path: Path) -> None:
    """Only a folder that we make gets rights from us."""
    ServerFolder(tmp_path / "new" / "data", "redis").create()
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700
    (tmp_path / "old").mkdir()
    (tmp_path / "old").chmod(0o755)
    ServerFolder(tmp_path / "old", "redis").create()
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o755


def test_a_password_is_made_once_and_stays_private(tmp_path: Path) -> None:
    """The password is long, the same each time, and its file is closed again when opened up."""
    folder = ServerFolder(tmp_path, "redis")
    password = folder.password()
    assert len(password) >= 32
    folder.password_file.chmod(0o644)
    assert ServerFolder(tmp_path, "redis").password() == password
    assert folder.password_file.stat().st_mode & 0o777 == 0o600
    assert ServerFolder(tmp_path, "postgres").password() != password


def test_a_long_log_is_set_aside_at_the_start(tmp_path: Path) -> None:
    """A log above the limit begins anew, and one older is kept."""
    folder = ServerFolder(tmp_path, "redis")
    folder.log_file.write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    os.close(folder.open_log())
    assert folder.log_file.stat().st_size == 0
    assert folder.log_file.with_suffix(".log.1").exists()


def test_the_tail_shows_only_this_start(tmp_path: Path) -> None:
    """Lines of an earlier start do not appear in the tail; the last ones of this start do."""
    folder = ServerFolder(tmp_path, "redis")
    assert not folder.log_tail()
    folder.log_file.write_text("of yesterday\n")
    log = folder.open_log()
    os.write(log, "".join(f"line {n}\n" for n in range(100)).encode())
    os.close(log)
    assert folder.log_tail().splitlines() == [f"line {n}" for n in range(85, 100)]


def test_a_damaged_port_file_counts_as_none(tmp_path: Path) -> None:
    """The port is remembered; a file that holds no number is as good as no file."""
    folder = ServerFolder(tmp_path, "redis")
    assert folder.remembered_port() is None
    folder.remember_port(4711)
    assert folder.remembered_port() == 4711
    (tmp_path / "redis.port").write_text("x")
    assert folder.remembered_port() is None


def test_a_private_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A write that fails leaves the old content and no draft."""
    file = tmp_path / "secret"
    write_private(file, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(file, "\ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("write", [write_private, private_files.write_private])
def test_a_private_file_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, str], None]
) -> None:
    """Whoever writes one, the server or the stack, has it on the disk before it takes its name."""
    file, there = tmp_path / "secret", []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: there.append(file.exists()))
    write(file, "new")
    assert there == [False]
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)


def test_a_lock_is_held_by_one_until_its_descriptor_closes(tmp_path: Path) -> None:
    """Nobody takes a lock that is held; closing the descriptor frees it."""
    held = try_lock(tmp_path / "lock")
    assert held is not None
    assert try_lock(tmp_path / "lock") is None
    assert lock_within(tmp_path / "lock", 0.02) is None
    os.close(held)
    again = lock_within(tmp_path / "lock", 0)
    assert again is not None
    os.close(again)


def test_a_free_port_is_free_and_outside_the_range_of_clients() -> None:
    """The port can be listened on, and no outgoing connection is ever given it."""
    port = free_port()
    assert port < 32_768
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "write to"),
        (errno.EROFS, "choose another data folder"),
        (errno.EIO, "What to do"),
    ],
)
def test_errors_of_the_system_say_what_to_do(number: int, advice: str) -> None:
    """Each ends in advice and names the folder."""
    with (
        pytest.raises(EmbeddedServerError, match=f"Starting X in /data failed.*{advice}"),
        explained("Starting X", Path("/data")),
    ):
        raise OSError(number, os.strerror(number))
