"""Which stack a client command talks to: the environment's, else the data-dir's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli.data_dir import DataDir
from cli.exits import unreachable

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """An API and the credential for it."""

    api_url: str
    token: str | None = field(repr=False)


def find_target(data_dir: Path) -> Target:
    """Return the API to talk to: ROADMAP_API_URL + ROADMAP_TOKEN, else the data-dir's stack.

    ROADMAP_TOKEN alone goes with the data-dir's address: the same stack as somebody else.

    Raises:
        CommandError: Neither is there.
        SettingsError: A setting is wrong.
    """
    from core.settings import load_settings  # late: it takes 0.1 s

    settings = load_settings()
    token = settings.token.get_secret_value() if settings.token is not None else None
    if settings.api_url:
        return Target(api_url=settings.api_url.rstrip("/"), token=token)
    folder = DataDir(data_dir)
    folder.check_ours()
    folder.check_writers()
    stack = folder.read_stack()
    if stack is None or not isinstance(stack.get("api_url"), str):
        raise unreachable(
            f"No stack is running on {folder.path}. Start one with `roadmap up`, name its folder "
            "with --data-dir, or set ROADMAP_API_URL and ROADMAP_TOKEN."
        )
    return Target(api_url=stack["api_url"], token=token or stack.get("token"))
