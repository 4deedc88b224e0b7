"""What is given under our prefix: in the environment, in `.env`, in secret files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic_settings.sources import DotEnvSettingsSource

from core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_settings import BaseSettings

PREFIX: Final = "ROADMAP_"
ENV_FILE: Final = ".env"
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


def given_values(settings: type[BaseSettings]) -> dict[str, str]:
    """Return what is given by name with the prefix, the environment's before the file's."""
    from_file = DotEnvSettingsSource(settings, env_file=ENV_FILE).env_vars
    given = {name.upper(): value or "" for name, value in from_file.items()}
    for name, value in os.environ.items():
        if value or name.upper() not in given:  # an empty one is as good as none
            given[name.upper()] = value
    return {name: value for name, value in given.items() if name.startswith(PREFIX)}


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

        close = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise SettingsError(f"Unknown setting {', '.join(unknown)}.{hint}")


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
        try:
            values[name.lower()] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(
                f"{PREFIX}{name}_FILE: cannot read {path}: {error.strerror}"
            ) from None
        except UnicodeDecodeError:
            raise SettingsError(f"{PREFIX}{name}_FILE: {path} is not UTF-8 text.") from None
    return values
