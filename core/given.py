"""What is given under our prefix: in the environment, in `.env`, in secret files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.env_file import env_file_values
from core.errors import SettingsError
from core.text_files import UnreadableTextError, bad_line, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX: Final = "ROADMAP_"
ENV_FILE: Final = ".env"
_LINK_PORT: Final = re.compile(r"^ROADMAP_(?:\w+_)?PORT$")
"""`ROADMAP_API_PORT=tcp://10.0.0.1:8000` is a link; `ROADMAP_API_PORT=8000` is our setting."""
_LINK_VALUE: Final = re.compile(r"^(?:tcp|udp|sctp)://", re.IGNORECASE)
_LINK_NAME: Final = re.compile(
    r"^ROADMAP_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?"
    r"|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR|START|END)(?:_\w+)?)?)$"
)
SECRETS: Final = (
    "DATABASE_URL",
    "MIGRATION_DATABASE_URL",
    "REDIS_URL",
    "BROKER_URL",
    "AUTH_SECRET",
    "AUTH_SECRET_PREVIOUS",
    "LLM_API_KEY",
    "SEARCH_API_KEY",
    "TOKEN",
)
"""Settings that may also be given as `ROADMAP_<NAME>_FILE`, a file that holds the value."""


def given_values() -> dict[str, str]:
    """Return what is given by name with the prefix, the environment's before the file's.

    An empty value is as good as none. What Kubernetes and Docker put into the environment about a
    service whose name begins like our settings is not ours.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    given = env_file_values(ENV_FILE, prefix=PREFIX)
    for name, value in os.environ.items():
        if value or name.upper() not in given:
            given[name.upper()] = value
    return {
        name: value
        for name, value in given.items()
        if name.startswith(PREFIX) and not _is_service_link(name, value)
    }


def is_from_file(name: str) -> bool:
    """Tell whether `.env` gives what counts under a name, and not the environment."""
    here = {key.upper() for key, value in os.environ.items() if value}
    return name not in here and bool(env_file_values(ENV_FILE, prefix=PREFIX).get(name))


def _is_service_link(name: str, value: str) -> bool:
    """Tell whether an orchestrator says with this where a service is."""
    if _LINK_NAME.match(name):
        return True
    return bool(_LINK_PORT.match(name) and _LINK_VALUE.match(value))


def refuse_unknown_names(given: Iterable[str], *, fields: Iterable[str]) -> None:
    """Let no typing error pass for a setting that is not given.

    Raises:
        SettingsError: A name is neither one of the fields' nor that of a secret file.
    """
    known = {PREFIX + name.upper() for name in fields} | {
        f"{PREFIX}{name}_FILE" for name in SECRETS
    }
    unknown = sorted(set(given) - known)
    if unknown:
        import difflib

        close = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.75)
        hint = f" Did you mean {close[0]}?" if close else ""
        told = (f"{name} (in {ENV_FILE})" if is_from_file(name) else name for name in unknown)
        raise SettingsError(f"Unknown setting {', '.join(told)}.{hint}")


def secret_values(given: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that are given as files, by field name; a value beside one wins.

    Raises:
        SettingsError: A file cannot be read.
    """
    values: dict[str, str] = {}
    for name in SECRETS:
        path = given.get(f"{PREFIX}{name}_FILE")
        if not path or given.get(PREFIX + name):
            continue
        said = f"{PREFIX}{name}_FILE: "
        try:
            text = read_text(Path(path))
        except OSError as error:
            raise SettingsError(f"{said}cannot read {path}: {error.strerror}") from None
        except UnreadableTextError as error:
            raise SettingsError(f"{said}{path} {error}.") from None
        if bad_line(text) is not None:
            raise SettingsError(f"{said}{path} is not UTF-8 text.")
        values[name.lower()] = text.strip()
    return values
