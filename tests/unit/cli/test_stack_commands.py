"""Which stack a command talks to, and tokens for it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from cli.data_dir import DataDir
from core.tokens import Rules, mint_token, verify_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Command = Callable[..., Result]
    MakeEvent = Callable[..., dict[str, Any]]
    MakeRoadmap = Callable[[], dict[str, Any]]
SECRET = "a-signing-secret-of-the-unit-tests"


def test_the_environment_comes_before_the_data_dir(
    api: Any, roadmap: Command, tmp_path: Path
) -> None:
    """ROADMAP_API_URL and ROADMAP_TOKEN win over stack.json."""
    folder = DataDir(tmp_path / "other")
    folder.create()
    folder.write_stack({"api_url": "http://127.0.0.1:1", "token": "token-of-the-file"})
    assert roadmap("list", "--data-dir", str(folder.path)).exit_code == 0
    assert api.headers[-1]["Authorization"] == "Bearer token-of-the-environment"


def test_the_data_dirs_stack_is_found(
    api: Any, roadmap: Command, tmp_path: Path, no_settings: pytest.MonkeyPatch
) -> None:
    """Without the environment, stack.json names API and token."""
    no_settings.delenv("ROADMAP_API_URL")
    no_settings.delenv("ROADMAP_TOKEN")
    folder = DataDir(tmp_path / ".roadmap")
    folder.create()
    folder.write_stack({"api_url": api.url, "token": "token-of-the-file"})
    assert roadmap("list").exit_code == 0
    assert api.headers[-1]["Authorization"] == "Bearer token-of-the-file"


def test_stack_json_is_private(tmp_path: Path) -> None:
    """It holds passwords: only the owner may read it."""
    folder = DataDir(tmp_path / "d")
    folder.create()
    folder.write_stack({"token": "x"})
    assert folder.stack_file.stat().st_mode & 0o777 == 0o600


def test_a_token_is_signed_by_the_data_dirs_secret(roadmap: Command, tmp_path: Path) -> None:
    """Without AUTH_SECRET the secret of the folder signs, for the time that was asked for."""
    folder = DataDir(tmp_path / "d")
    folder.create()
    secret = folder.auth_secret()
    args = ("--user", "alice", "--role", "admin", "--ttl", "30m", "--data-dir", str(folder.path))
    document = json.loads(roadmap("token", *args, "--json").stdout)
    claims = verify_token(Rules(secrets=(secret,)), document["token"])
    assert (claims.user, claims.role) == ("alice", "admin")
    assert 1700 < claims.expires_at - time.time() <= 1800


def test_a_token_is_signed_by_the_given_secret(
    roadmap: Command, no_settings: pytest.MonkeyPatch
) -> None:
    """AUTH_SECRET signs, as it does for `up`."""
    no_settings.setenv("ROADMAP_AUTH_SECRET", SECRET)
    minted = roadmap("token", "--user", "bob").stdout.strip()
    assert verify_token(Rules(secrets=(SECRET,)), minted).user == "bob"


@pytest.mark.parametrize("ttl", ["soon", "0", "-1h", "1w"])
def test_a_senseless_ttl_is_refused(roadmap: Command, ttl: str) -> None:
    """A duration that is none ends with 2."""
    assert roadmap("token", "--user", "bob", f"--ttl={ttl}").exit_code == 2


def test_a_wrong_setting_is_named(roadmap: Command, no_settings: pytest.MonkeyPatch) -> None:
    """A typing error in a setting ends with 2 and its name."""
    no_settings.setenv("ROADMAP_LEASE", "1")
    result = roadmap("list")
    assert result.exit_code == 2
    assert "ROADMAP_LEASE" in result.stderr


def test_minted_tokens_are_whole() -> None:
    """What is minted is verified, role and all."""
    assert (
        verify_token(
            Rules(secrets=(SECRET,)), mint_token(SECRET, user="u", role=None, ttl_s=60)
        ).role
        is None
    )
