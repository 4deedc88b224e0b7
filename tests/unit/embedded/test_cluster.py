"""What is refused before a cluster is made."""

from pathlib import Path
from typing import Any

import pytest

from embedded import EmbeddedServerError
from embedded.accounts import Account
from embedded.postgres_cluster import make_cluster


def test_an_account_without_a_name_is_told_what_to_do(tmp_path: Path) -> None:
    """A container's arbitrary uid is told what initdb misses, before anything is made."""
    binaries: Any = None
    with pytest.raises(EmbeddedServerError, match=r"uid 54321.*/etc/passwd.*ROADMAP_DATABASE_URL"):
        make_cluster(
            tmp_path / "data",
            binaries=binaries,
            account=Account(uid=54321, gid=54321),
            password="",
            log=1,
            alive_lock=1,
            deadline=0,
        )
    assert not list(tmp_path.iterdir()), "nothing was begun"
