"""Finds settings under which anybody who can connect would be the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.choices import AuthMode

if TYPE_CHECKING:
    from core.settings import Settings


def too_trusting(settings: Settings) -> str | None:
    """Return what is wrong with settings that let others in without credentials, if any does."""
    if settings.auth is not AuthMode.NONE:
        return None
    if settings.trusted_proxies:
        return (
            "ROADMAP_TRUSTED_PROXIES: with ROADMAP_AUTH=none everybody behind a proxy would be the"
            " admin. Set ROADMAP_AUTH=jwt."
        )
    if "*" in settings.allowed_hosts:
        return (
            "ROADMAP_ALLOWED_HOSTS: with ROADMAP_AUTH=none any site could let its name point"
            " here; name the hosts, or set ROADMAP_AUTH=jwt."
        )
    return None
