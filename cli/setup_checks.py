"""The doctor's questions about this machine and the settings: folder, wheels, secret."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from cli.exits import CommandError
from cli.findings import Finding, is_placeholder
from embedded import EmbeddedServerError
from embedded.postgres_binaries import find_postgres
from embedded.redis_binary import OLDEST, find_redis

if TYPE_CHECKING:
    from cli.data_dir import DataDir
    from core.settings import Settings

_MB: Final = 1024 * 1024
_ROOM_BYTES: Final = 64 * _MB
"""An empty PostgreSQL and its first write-ahead logs take 45 MB."""


def check_data_dir(folder: DataDir) -> Finding:
    """Look whether a stack can run on the data-dir, as `up` would, and whether there is room."""
    try:
        left = shutil.disk_usage(folder.check()).free
    except CommandError as error:
        return Finding(name="data-dir", ok=False, message=error.message)
    if left < _ROOM_BYTES:
        said = f"{left // _MB} MB are free at {folder.path}; a new stack needs {_ROOM_BYTES // _MB}"
        return Finding(name="data-dir", ok=False, message=said, required=False)
    return Finding(name="data-dir", ok=True, message=f"{folder.path} can be written to")


def check_binaries(settings: Settings) -> list[Finding]:
    """Look for the servers that `roadmap up` would embed; those with an address are not needed.

    They are looked for as `up` does it, so that both say the same about what is missing.
    """
    findings = []
    for field, name, find in (
        ("database_url", "embedded PostgreSQL", _find_postgres),
        ("redis_url", "embedded Redis", _find_redis),
    ):
        if field in settings.model_fields_set:
            continue
        try:
            finding = Finding(name=name, ok=True, message=f"version {find()} is here")
        except EmbeddedServerError as error:
            finding = Finding(name=name, ok=False, message=str(error))
        findings.append(finding)
    return findings


def _find_postgres() -> str:
    return find_postgres(None, account=None, major=None).version


def _find_redis() -> str:
    return find_redis(None, oldest=OLDEST).version


def check_auth(settings: Settings, folder: DataDir) -> list[Finding]:
    """Look whether tokens are signed by a real secret."""
    secret = settings.auth_secret.get_secret_value() if settings.auth_secret else None
    if secret is not None and is_placeholder(secret):
        said = "ROADMAP_AUTH_SECRET is a placeholder; anybody can guess it and sign tokens"
        return [Finding(name="auth secret", ok=False, message=said)]
    if secret is None and folder.known_auth_secret() is None and settings.auth == "jwt":
        said = "with ROADMAP_AUTH=jwt set ROADMAP_AUTH_SECRET (`roadmap up` makes one of its own)"
        return [Finding(name="auth secret", ok=False, message=said, required=False)]
    if settings.auth == "none":
        said = "AUTH=none: everybody on this machine is the admin; leave ROADMAP_AUTH out"
        return [Finding(name="auth secret", ok=False, message=said, required=False)]
    return [Finding(name="auth secret", ok=True, message=f"AUTH={settings.auth}")]
