"""For every setting a value that is not its default, made from what the table of settings says."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, get_origin

from core.settings import SECTIONS
from core.settings.kinds import kind_of

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

LONG_SECRET: Final = "a secret of its own, with # and $HOME and 32 characters"
PRICES: Final = {"my-model": {"input": 0.4, "cached_input": 0.1, "output": 1.6}}
FORMS: Final = {
    "database_url": "postgresql://someone:p%40ss@127.0.0.1:5433/other?application_name=mine",
    "migration_database_url": "postgresql://owner:p%40ss@127.0.0.1:5433/other",
    "redis_prefix": "mine:",
    "redis_url": "redis://:p%23ss@127.0.0.1:6380/3",
    "broker_url": "amqp://someone:p%2Fss@127.0.0.1:5673/other",
    "api_host": "127.0.0.2",
    "api_root_path": "/roadmaps",
    "api_url": "https://api.example/base",
    "auth_secret": LONG_SECRET,
    "auth_secret_previous": f"{LONG_SECRET}, once",
    "flower_url": "https://flower.example/",
    "llm_base_url": "http://127.0.0.1:9/v1?api-version=2",
    "search_base_url": "http://127.0.0.1:9",
    "otlp_endpoint": "http://127.0.0.1:9",
    "metrics_host": "127.0.0.2",
    "sample_fail": "(?i)nothing#like$this",
    "trusted_proxies": "127.0.0.1,10.0.0.0/8",
    "allowed_hosts": "127.0.0.1,roadmap.example",
    "image_hosts": "upload.example,.pictures.example:8443",
    "cors_origins": "https://a.example,https://b.example",
    "llm_prices": json.dumps(PRICES),
    "workflows": "tests.toy:TOY",
}
"""Values of settings that are words of a certain form."""


def fields() -> dict[str, FieldInfo]:
    """Return every documented setting."""
    return {
        name: field for section in SECTIONS.values() for name, field in section.model_fields.items()
    }


def sample(name: str) -> str:
    """Return a value for a setting, as somebody would write it; it is not the default."""
    if name in FORMS:
        return FORMS[name]
    field = fields()[name]
    kind, default = kind_of(field.annotation), field.default
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return str([word for word in kind if word != default][-1])
    if kind is bool:
        return str(not default).lower()
    if kind in (int, float):
        return str((default or 1) + 1)
    return "one,two" if get_origin(kind) is tuple else f"a {name} # of $its own"


def spellings(name: str) -> list[tuple[str, Any]]:
    """Return further ways to write a setting's value, each with one that means the same."""
    kind = kind_of(fields()[name].annotation)
    written = sample(name)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [(written.upper(), written), (f" {written} ", written)]
    if kind is bool:
        words = ("true", "True", "yes", "on", "1"), ("false", "FALSE", "no", "off", "0")
        return [(word, same[0]) for same in words for word in same[1:]]
    if kind in (int, float):
        return [(f" {written} ", written)]
    return []
