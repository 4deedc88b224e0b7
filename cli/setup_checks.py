"""The doctor's questions about this machine and the settings: folder, wheels, secret."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cli.findings import Finding, is_placeholder
from embedded import EmbeddedServerError
from embedded.postgres_binaries import find_postgres
from embedded.redis_binary import OLDEST, find_redis

if TYPE_CHECKING:
    from cli.data_dir import DataDir
    from core.settings import Settings


def check_data_dir(folder: DataDir) -> Finding:
    """Look whether the data-dir is one, and can be written to, or made."""
    if (foreign := folder.foreign()) is not None:
        return Finding(name="data-dir", ok=False, message=foreign)
    place = folder.path
    while not place.exists() and place != place.parent:
        place = place.parent
    ok = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    said = f"{folder.path} can be written to" if ok else f"{place} cannot be written to; choose one"
    return Finding(name="data-dir", ok=ok, message=said)


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
