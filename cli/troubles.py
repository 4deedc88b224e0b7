"""Which service is away, and the command that starts it."""

from __future__ import annotations

import json
import shlex
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from cli.data_dir import DEFAULT, DataDir
from cli.probes import DIRECT
from core.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S: Final = 5.0


def why_unreachable(error: Exception, data_dir: Path, api_url: str) -> str:
    """Return what an API that does not answer means here, and what to do about it."""
    said = str(error).rstrip(".")
    if load_settings().api_url:
        return (
            f"{said}. The address is ROADMAP_API_URL's: check it, or see whether the API runs there"
            f" ({api_url}/readyz)."
        )
    folder = DataDir(data_dir)
    if not folder.is_locked():
        return f"{said}. No stack is running on {folder.path}; start it with: {_up(data_dir)}"
    return (
        f"{said}. The stack on {folder.path} is running, so its API is starting or in trouble:"
        f" read {folder.logs / 'api.log'}; `{_with('roadmap doctor', data_dir)}` tells more."
    )


def what_is_down(data_dir: Path, api_url: str) -> str:
    """Return which service the API misses and how to start it; nothing when that is not known."""
    report = readiness(api_url)
    said = []
    if report.get("postgresql") == "outdated":
        command = _with("roadmap db upgrade", data_dir)
        said.append(f"The database is not at the newest revision; bring it there with: {command}")
    elif report.get("postgresql", "up") != "up":
        said.append(f"PostgreSQL is down. {_start('ROADMAP_DATABASE_URL', data_dir)}")
    if report.get("redis", "up") != "up":
        said.append(f"Redis is down. {_start('ROADMAP_REDIS_URL', data_dir)}")
    return "".join(f"\n{line}" for line in said)


def _start(setting: str, data_dir: Path) -> str:
    folder = DataDir(data_dir)
    if load_settings().api_url or not folder.is_locked():
        return f"Start it where {setting} points to, or run a whole stack: {_up(data_dir)}"
    return (
        f"If it is the embedded one the stack on {folder.path} starts it again within seconds;"
        f" else start it where {setting} points to."
    )


def _up(data_dir: Path) -> str:
    return _with("roadmap up", data_dir)


def _with(command: str, data_dir: Path) -> str:
    where = "" if data_dir == DEFAULT else f" --data-dir {shlex.quote(str(data_dir))}"
    return command + where


def readiness(api_url: str) -> dict[str, Any]:
    """Return what an API says of its readiness, also when it says no; nothing when it is silent."""
    try:
        with DIRECT.open(f"{api_url}/readyz", timeout=_TIMEOUT_S) as response:
            body = response.read()
    except urllib.error.HTTPError as error:
        body = error.read()  # 503 says what is missing
    except (OSError, ValueError):
        return {}
    try:
        report = json.loads(body)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}
