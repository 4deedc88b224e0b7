"""PostgreSQL's data, a *cluster* in its own words: making one, and handing it to another account.

As root, PostgreSQL runs as an unprivileged account that may be unable to reach the data folder by
its path (``/root/project/.roadmap``). Rights of parents are never changed and the data never lies
anywhere else. Instead the server inherits an open descriptor of its folder and is told
``-D /proc/self/fd/<n>``: the kernel follows such a name straight to the folder, and every process
of the server inherits the descriptor. Tested with 15 and 18. (A working folder given over with
``/proc/self/cwd`` fails before 16, which changes folder while it looks for itself; a user namespace
is forbidden in most containers.) Where there is no ``/proc`` the plain path is used, and then the
account has to be able to reach it. ``SHOW data_directory`` answers with that name.
"""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL

from embedded.accounts import Account
from embedded.children import server_environment, spawn_child, stop_child
from embedded.errors import EmbeddedServerError
from embedded.postgres_binaries import PostgresBinaries

SUPERUSER = "roadmap"
_BUILTIN_LOCALE_SINCE = 17
_FD_FOLDER = Path("/proc/self/fd")


def cluster_major(cluster: Path) -> int | None:
    """Read which major version made the cluster; None when there is no cluster.

    Raises:
        EmbeddedServerError: The folder is there but holds no cluster.
        OSError: It cannot be read.
    """
    if not cluster.exists():
        return None
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError) as error:
        raise EmbeddedServerError(
            f"{cluster} holds no PostgreSQL data that could be opened: PG_VERSION is missing or "
            "damaged. What to do: restore the folder, or remove it to begin with empty data."
        ) from error


@contextmanager
def handed_over(cluster: Path, account: Account | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name the cluster so that `account` can open it: the name, and descriptors to pass on.

    The child must be started inside the block; it keeps its own copy of the descriptors.
    """
    if account is None or not _FD_FOLDER.is_dir():
        yield str(cluster), ()
        return
    descriptor = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(_FD_FOLDER / str(descriptor)), (descriptor,)
    finally:
        os.close(descriptor)


def make_cluster(
    cluster: Path,
    *,
    binaries: PostgresBinaries,
    account: Account | None,
    password: str,
    log: int,
    alive_lock: int,
    deadline: float,
    durable: bool = True,
) -> None:
    """Run ``initdb``, durably and whole: an interrupted run leaves nothing that looks like data.

    UTF-8 on every system, sorted by code point; passwords are checked by SCRAM for all clients.

    Args:
        cluster: The folder to make.
        binaries: PostgreSQL.
        account: Who will own and run it; None for ourselves.
        password: Of the superuser; passed through a pipe, never on a command line or a disk.
        log: Descriptor that takes initdb's output.
        alive_lock: Descriptor of the alive lock, for initdb to hold.
        deadline: On the monotonic clock, in seconds.
        durable: Wait until all is on the disk.

    Raises:
        EmbeddedServerError: initdb failed or took too long.
        OSError: The folder cannot be made.
    """
    _check_known(os.geteuid() if account is None else account.uid)
    draft = cluster.with_name(f"{cluster.name}.new")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    if account is not None:
        os.chown(draft, account.uid, account.gid)
    with handed_over(draft, account) as (name, descriptors), _pipe_of(password, account) as pipe:
        process = spawn_child(
            [
                binaries.initdb,
                f"--pgdata={name}",
                f"--username={SUPERUSER}",
                "--auth=scram-sha-256",
                f"--pwfile=/dev/fd/{pipe}",
                "--encoding=UTF8",
                *_locale(binaries.major),
                "--no-instructions",
                *(() if durable else ("--no-sync",)),
            ],
            env=server_environment(),
            cwd=Path("/"),
            log=log,
            user=account,
            pass_fds=(pipe, alive_lock, *descriptors),
            death_signal=SIGKILL,
        )
    try:
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise EmbeddedServerError(
            "initdb did not finish in time: allow it more seconds."
        ) from error
    finally:
        stop_child(process, steps=())
    if code != 0:
        raise EmbeddedServerError(f"initdb could not make the data (exit code {code}).")
    draft.rename(cluster)
    _sync_folder(cluster.parent)


def _check_known(uid: int) -> None:
    """Refuse an account without a name: initdb wants to know it. Servers themselves do not."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedServerError(
            f"PostgreSQL's initdb does not make data for uid {uid}, which has no name here. What to"
            " do: run as a user of /etc/passwd, add this one there (in a container, `echo"
            f" roadmap:x:{uid}:0::/:/bin/sh >> /etc/passwd` while the image is built), or set"
            " ROADMAP_DATABASE_URL to a PostgreSQL of your own."
        ) from None


def clear_stale_pid_file(cluster: Path) -> None:
    """Remove the ``postmaster.pid`` of a server that is gone; call it with the alive lock held.

    The lock proves that no server of ours runs. A file left behind would block the start when its
    process id now belongs to another process of the same account.

    Raises:
        EmbeddedServerError: Somebody started a server on this cluster by hand.
    """
    file = cluster / "postmaster.pid"
    try:
        line = file.read_bytes().partition(b"\n")[0]
    except FileNotFoundError:
        return
    # After a power failure it may hold anything.
    pid = line.decode() if line.isdigit() else "none"
    with suppress(OSError):
        # A server's working folder is its cluster. No such process, or no /proc: stale.
        if Path("/proc", pid, "cwd").samefile(cluster):
            raise EmbeddedServerError(
                f"A PostgreSQL that was not started from here already runs on {cluster}, pid "
                f"{pid}. What to do: stop it with `kill -INT {pid}`, then start again."
            )
    file.unlink()


def _locale(major: int) -> tuple[str, ...]:
    if major >= _BUILTIN_LOCALE_SINCE:
        return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    return ("--no-locale",)


@contextmanager
def _pipe_of(text: str, account: Account | None) -> Iterator[int]:
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
        if account is not None and _FD_FOLDER.is_dir():
            # Opening /dev/fd/<n> on Linux asks for rights on the pipe itself.
            os.fchown(reader, account.uid, account.gid)
        yield reader
    finally:
        os.close(reader)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
