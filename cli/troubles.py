"""Which service is away, and the command that starts it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cli.data_dir import DataDir
from cli.findings import Finding, clean
from cli.hints import command
from cli.probes import answer_of, http_ok
from core.settings import load_settings
from core.wire_names import SILENT

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S: Final = 3.0


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
        return f"{said}. No stack is running on {folder.path}; start it with: {command('up')}"
    return (
        f"{said}. The stack on {folder.path} is running, so its API is starting or in trouble:"
        f" read {folder.logs / 'api.log'}; `roadmap doctor` tells more."
    )


def what_is_down(report: dict[str, Any], data_dir: Path) -> str:
    """Return which service the API misses and how to start it; nothing when that is not known.

    Args:
        report: What the API says of its readiness.
        data_dir: The stack.
    """
    said = []
    if report.get("postgresql") == "outdated":
        upgrade = command("db", "upgrade")
        said.append(f"The database is not at the newest revision; bring it there with: {upgrade}")
    elif report.get("postgresql", "up") != "up":
        said.append(
            _refusing(report, "PostgreSQL")
            or f"PostgreSQL is down, or stands still. {_start('ROADMAP_DATABASE_URL', data_dir)}"
        )
    if report.get("redis", "up") != "up":
        said.append(
            _refusing(report, "Redis") or f"Redis is down. {_start('ROADMAP_REDIS_URL', data_dir)}"
        )
    if report.get("broker", "up") != "up":
        said.append(
            _refusing(report, "The broker")
            or f"The broker is down. {_start('ROADMAP_BROKER_URL', data_dir)}"
        )
    return "".join(f"\n{line}" for line in said)


def _refusing(report: dict[str, Any], name: str) -> str | None:
    """Return what a service that answers refuses, in the API's words: it needs no start."""
    effects = [str(effect) for effect in report.get("effects") or ()]
    told = (clean(effect) for effect in effects if effect.startswith(f"{name} "))
    return next((effect for effect in told if SILENT not in effect), None)


def _start(setting: str, data_dir: Path) -> str:
    folder = DataDir(data_dir)
    if load_settings().api_url or not folder.is_locked():
        return f"Start it where {setting} points to, or run a whole stack: {command('up')}"
    return (
        f"If it is the embedded one, the stack on {folder.path} starts it again within seconds when"
        f" it has ended; else see to it where {setting} points to."
    )


def readiness(api_url: str) -> dict[str, Any]:
    """Return what an API says of its readiness, also when it says no; nothing when it is silent."""
    try:
        _, body = answer_of(f"{api_url}/readyz", timeout_s=_TIMEOUT_S)  # 503 says what is missing
    except (OSError, ValueError):
        return {}
    try:
        report = json.loads(body)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}


def check_api(api_url: str) -> Finding:
    """Ask whether the API is ready."""
    if http_ok(f"{api_url}/readyz?exclude=workers"):
        return Finding(name="API", ok=True, message=f"ready at {clean(api_url)}")
    effects = readiness(api_url).get("effects")
    if effects:
        said = (
            f"answers at {clean(api_url)}, but is not ready. {clean(' '.join(map(str, effects)))}"
        )
    else:
        said = f"{clean(api_url)}/readyz does not answer 200; read its log, or start `roadmap up`"
    return Finding(name="API", ok=False, message=said)
