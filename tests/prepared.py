"""A data folder with a migrated database, made once for all processes of a run and then copied.

Making a cluster and migrating it takes two seconds of work, and a run starts dozens of stacks.
That it works from nothing is tested where it is the subject: the README's first minute, `up`,
the installed package, and the embedded servers.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from cli.data_dir import DataDir
from core.given import PREFIX
from core.settings import get_settings
from db.migrate import upgrade
from db.migration_names import head
from embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from pathlib import Path


def shared_by_processes(factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run share."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def prepared_data(folder: Path) -> Path:
    """Return a data folder as `roadmap up` leaves it after its first start, made when absent."""
    data = folder / "prepared"
    with (folder / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not data.exists():
            draft = folder / "prepared.new"
            data_dir = DataDir(draft)
            data_dir.create()
            with EmbeddedPostgres(draft, roles=True) as server:
                _migrate(server.owner_url)
            data_dir.keep_migration(head())
            (draft / "postgres.port").unlink()
            draft.rename(data)
    return data


def copy_of(prepared: Path, folder: Path) -> None:
    """Copy it to a folder that does not exist; whoever owns the cluster's files still does."""
    subprocess.run(["/bin/cp", "-a", prepared, folder], check=True)


def _migrate(url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"{PREFIX}DATABASE_URL", url)
        get_settings.cache_clear()
        upgrade()
    get_settings.cache_clear()
