"""Migrates an empty PostgreSQL to head and back, and compares it with the models."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from core.given import PREFIX
from core.settings import get_settings
from db.migrate import differences, downgrade, upgrade
from embedded import EmbeddedPostgres


def main() -> None:
    """Exit with what differs, if anything does."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder) / "postgres") as server,
    ):
        os.environ[PREFIX + "DATABASE_URL"] = server.url
        get_settings.cache_clear()
        upgrade()
        downgrade("base")
        upgrade()
        found = differences()
    if found:
        sys.exit(f"The migrations do not lead to the models: {found}")


if __name__ == "__main__":
    main()
