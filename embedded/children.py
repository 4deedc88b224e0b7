"""Child processes that never outlive us.

A child gets a session of its own, so that Ctrl-C in a terminal reaches only the supervisor, which
then stops its children in order. On Linux the kernel also sends it a signal when we die, however
we die (PR_SET_PDEATHSIG). Three traps, and what is done about each:

- The signal belongs to the *thread* that forked: children are forked from a thread that lasts as
  long as the process (`embedded.lasting_thread`).
- A change of user clears it: it is set after the change (CPython changes the user before it calls
  ``preexec_fn``). Executing a set-user-ID file clears it too; do not spawn one.
- We may die between fork and prctl: the child looks at its parent afterwards, and ends itself.

The kernel does not pass the signal on to grandchildren: they are their parent's to look after.

macOS has no such call: there a SIGKILL of the supervisor leaves the children running, and the next
start of a server on its folder says so, with its process id.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from embedded.accounts import Account
from embedded.lasting_thread import on_lasting_thread

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Looked up before any fork: loading a library between fork and exec may deadlock.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None

_AFTER_SIGKILL_S = 10.0
_KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def spawn_child(
    args: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | int | None = None,
    user: Account | None = None,
    pass_fds: Iterable[int] = (),
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session that dies when this process does.

    May be called from any thread. Its standard input is empty.

    Args:
        args: The program and its arguments; no shell is involved.
        env: The child's whole environment; None passes ours on.
        cwd: Its working folder, entered before the change of user; None keeps ours.
        log: Where its output and errors go: a file (appended to, made with rights 0600) or an open
            descriptor; None leaves them on ours.
        user: The account to run as; None keeps ours. Needs root. Extra groups are dropped.
        pass_fds: Open descriptors the child keeps, under the same numbers.
        death_signal: What the kernel sends the child when we die (Linux).

    Raises:
        OSError: The program cannot be run (missing, no rights), or the log cannot be opened.
    """
    if isinstance(log, Path):
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return spawn_child(
                args,
                env=env,
                cwd=cwd,
                log=descriptor,
                user=user,
                pass_fds=pass_fds,
                death_signal=death_signal,
            )
        finally:
            os.close(descriptor)
    prepare = _preparation(os.getpid(), death_signal)
    return on_lasting_thread(
        lambda: subprocess.Popen(
            [str(arg) for arg in args],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=env,
            cwd=cwd,
            start_new_session=True,
            umask=0o077,  # what a child writes is its owner's alone
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            pass_fds=tuple(pass_fds),
            preexec_fn=prepare,  # noqa: PLW1509 - the only place after the change of user; it takes no lock
        )
    )


def server_environment() -> dict[str, str]:
    """Build the environment of a server: ours may hold secrets and settings meant for others.

    ``PGOPTIONS``, ``TZ`` or a locale of the user's must not change a server, and API keys have no
    place in its ``/proc/<pid>/environ``.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"LC_ALL": "C"}


def stop_child(
    process: subprocess.Popen[bytes], *, steps: Sequence[tuple[signal.Signals, float]]
) -> int:
    """Stop a child of `spawn_child`, more firmly at each step, and reap it.

    Args:
        process: The child; one that has ended already is only reaped.
        steps: Pairs of a signal and how long to wait for the end after it, in seconds. After the
            last one the child's whole process group gets SIGKILL.

    Returns:
        Its exit code; negative for the signal that ended it.

    Raises:
        subprocess.TimeoutExpired: It hangs inside the kernel, and not even SIGKILL ended it.
    """
    for number, patience_s in steps:
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            return process.wait(patience_s)
    if process.poll() is None:
        # Not reaped yet, so its number cannot belong to a stranger.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait(_AFTER_SIGKILL_S)


def _preparation(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    def prepare() -> None:
        # A shell's `&` leaves SIGINT ignored and a thread may block signals; both would be
        # inherited, and the child could not be stopped.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        if _prctl is None:
            return
        if _prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare
