"""All settings in one class, and how they are read: environment, `.env`, secret files."""

from __future__ import annotations

import os
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.addresses import AddressError, proxy_for
from core.choices import Provider, meant
from core.errors import SettingsError
from core.given import (
    ENV_FILE,
    PREFIX,
    given_values,
    is_from_file,
    refuse_unknown_names,
    secret_values,
)
from core.numbers import bounds_in_words
from core.settings.access import AccessSettings
from core.settings.author import AuthorSettings
from core.settings.bounds import BoundSettings
from core.settings.kinds import kind_of, metadata_of
from core.settings.running import RunningSettings
from core.settings.services import ServiceSettings
from core.settings.watching import WatchingSettings
from core.wording import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OF_A_NUMBER: Final = ("int_", "float_", "finite_", "greater_", "less_")
_OPENAI: Final = "https://api.openai.com/v1"
SECTIONS: Final[dict[str, type[BaseModel]]] = {
    "What we connect to": ServiceSettings,
    "The API and its clients": AccessSettings,
    "Who writes": AuthorSettings,
    "Running tasks": RunningSettings,
    "Bounds": BoundSettings,
    "What can be watched": WatchingSettings,
}
"""The settings by subject, in the order of the documentation."""


class Settings(
    ServiceSettings,
    AccessSettings,
    AuthorSettings,
    RunningSettings,
    BoundSettings,
    WatchingSettings,
    BaseSettings,
):
    """All settings; field names are the environment's names without the prefix, in lower case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[Any, ...]:
        """Take only what is handed over: `load_settings` reads, and knows what is not ours."""
        return (sources["init_settings"],)

    @field_validator("*", mode="before")
    @classmethod
    def _trimmed(cls, value: Any, info: ValidationInfo) -> Any:
        """Take the white space off; find the word that is meant, whatever its case."""
        if not isinstance(value, str):
            return value
        kind = kind_of(cls.model_fields[str(info.field_name)].annotation)
        is_choice = isinstance(kind, type) and issubclass(kind, StrEnum)
        return meant(kind, value) if is_choice else value.strip()


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment and `.env`.

    Args:
        overrides: Values by field name that win over the environment.

    Raises:
        SettingsError: A `ROADMAP_` name is unknown or a value is invalid; the message names it.
    """
    given = given_values()
    refuse_unknown_names(given, fields=Settings.model_fields)
    by_field = {name.removeprefix(PREFIX).lower(): value for name, value in given.items() if value}
    try:
        values: dict[str, Any] = {**by_field, **secret_values(given), **overrides}
        settings = Settings(**values)
    except ValidationError as error:
        lines = [
            f"{_named(str(problem['loc'][0]))}: {_place_within(problem)}{_wrong(problem)}"
            for problem in error.errors(include_input=False)
        ]
        raise SettingsError(f"Invalid setting. {'; '.join(lines)}") from None
    _check_proxy(settings)
    return settings


def _named(field: str) -> str:
    """Return a setting's name, with the file where it is not the environment that gives it."""
    name = PREFIX + field.upper()
    return f"{name} (in {ENV_FILE})" if is_from_file(name) else name


def _place_within(problem: Mapping[str, Any]) -> str:
    """Return where the wrong one of a setting's several values is, before what is wrong with it."""
    place = ".".join(str(part) for part in problem["loc"][1:])
    return f"{place} " if place else ""


def _wrong(problem: Mapping[str, Any]) -> str:
    """Return what is wrong with a setting; of a number, all that is allowed."""
    field = Settings.model_fields.get(str(problem["loc"][0]))
    kind = None if field is None else kind_of(field.annotation)
    if field is None or kind not in {int, float} or not problem["type"].startswith(_OF_A_NUMBER):
        return said(problem)
    default = field.get_default()
    without = "nothing" if default is None else f"{default:g}"
    return f"must be {bounds_in_words(kind, metadata_of(field))}; left out it is {without}"


def _check_proxy(settings: Settings) -> None:
    """Refuse a proxy that cannot be used where it is met first, not in the middle of a task."""
    if settings.llm_provider is Provider.OPENAI:
        try:
            proxy_for(settings.llm_base_url or _OPENAI, os.environ)
        except (AddressError, ValueError) as error:
            raise SettingsError(f"{PREFIX}LLM_BASE_URL: {error}.") from None


_instead: Final[list[Settings]] = []
"""What counts instead of everything that is given, the innermost last."""


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the process's settings, read once; `get_settings.cache_clear()` forgets them."""
    return _instead[-1] if _instead else load_settings()


@contextmanager
def settings_instead(settings: Settings) -> Iterator[None]:
    """Let these settings count in this process, whatever its environment and `.env` say."""
    _instead.append(settings)
    get_settings.cache_clear()
    try:
        yield
    finally:
        _instead.remove(settings)
        get_settings.cache_clear()
