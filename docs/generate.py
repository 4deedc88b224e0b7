"""Writes what documentation is made from code: `make docs`. A contract test keeps it current."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from docs import asyncapi
from docs.asyncapi import model_name
from docs.authors_reference import authors_reference
from docs.blocking_client import blocking_methods
from docs.cli_reference import cli_reference
from docs.client_shapes import all_shapes
from docs.python_models import python_models
from docs.settings_table import settings_table
from docs.typescript_types import typescript_types
from notifications.events import EventType, StreamEvent, TransientType
from notifications.reading import open_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from docs.client_shapes import Schema

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
PYTHON: Final = ROOT / "clients/python/src/roadmap_client"


def event_catalogue() -> str:
    """Return the catalogue of events as Markdown."""
    schema = open_schema(StreamEvent)
    lines = [
        "# Events",
        "",
        (
            "Generated from `notifications/events.py` by `make docs`; the JSON Schema is"
            " [events.schema.json](events.schema.json), the AsyncAPI document"
            " [asyncapi.json](asyncapi.json). Types and fields may be added: ignore what you do not"
            " know."
        ),
        "",
        (
            "`content_delta` is transient: it has no `seq`, is never stored or replayed, and may be"
            " dropped. Its `offset` counts the characters before the piece; 0 begins anew and"
            " replaces what came before, a greater one than expected means that a piece is missing."
            " The whole text can be read once the content is completed."
        ),
        "",
        "| type | tells | data |",
        "| --- | --- | --- |",
    ]
    for event in [*EventType, *TransientType]:
        model = schema["$defs"][model_name(event)]
        data = schema["$defs"][model["properties"]["data"]["$ref"].rsplit("/", 1)[1]]
        fields = ", ".join(f"`{name}`" for name in data.get("properties", {}))
        lines.append(f"| `{event}` | {model['description']} | {fields} |")
    return "\n".join(lines) + "\n"


def all_metrics() -> list[Any]:
    """Return every metric that our code defines, by name."""
    for package in (
        "core",
        "db",
        "notifications",
        "llm",
        "watching",
        "workflow",
        "roadmaps",
        "worker",
        "tasks",
        "wiring",
        "api",
    ):
        for module in pkgutil.walk_packages([str(HERE.parent / package)], f"{package}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                importlib.import_module(module.name)
    # the registry has no public list of what it holds
    found = set(REGISTRY._collector_to_names)  # noqa: SLF001
    ours = [metric for metric in found if isinstance(metric, MetricWrapperBase)]
    return sorted(ours, key=lambda metric: str(metric._name))  # noqa: SLF001 - no public name


def metrics_list() -> str:
    """Return the list of metrics as Markdown."""
    lines = [
        "# Metrics",
        "",
        (
            "Served as `/metrics` by the API, and by workers and beat on `ROADMAP_METRICS_PORT`."
            " Generated from the code by `make docs`."
        ),
        "",
        (
            "What all processes share (`roadmap_tasks`, `roadmap_queue_depth` …) every API tells"
            " alike: take `max` over APIs. The rest"
        ),
        "belongs to one process: take `sum`. A histogram also has `_bucket`, `_sum` and `_count`.",
        "",
        "| name | type | labels | tells |",
        "| --- | --- | --- | --- |",
    ]
    for metric in all_metrics():
        described = metric.describe()[0]
        suffix = "_total" if described.type == "counter" else ""
        labels = ", ".join(f"`{name}`" for name in metric._labelnames)  # noqa: SLF001
        lines.append(
            f"| `{described.name}{suffix}` | {described.type} | {labels}"
            f" | {described.documentation} |"
        )
    lines += [
        "",
        (
            "Beat has also `roadmap_beat_sent_total` (label `job`): the jobs it asked for. Flower"
            " has its own `/metrics`, about Celery."
        ),
    ]
    return "\n".join(lines) + "\n"


def openapi() -> str:
    """Return the API's OpenAPI document; no setting changes it."""
    from api.app import create_app

    return json.dumps(create_app().openapi(), indent=1, ensure_ascii=False) + "\n"


def _shapes() -> dict[str, Schema]:
    return all_shapes(json.loads(openapi()))


DOCUMENTS: Final[dict[Path, Callable[[], str]]] = {
    HERE / "SETTINGS.md": settings_table,
    HERE / "METRICS.md": metrics_list,
    HERE / "EVENTS.md": event_catalogue,
    HERE / "CLI.md": cli_reference,
    HERE / "OWN_WORKFLOWS_REFERENCE.md": authors_reference,
    HERE / "events.schema.json": lambda: json.dumps(open_schema(StreamEvent), indent=1) + "\n",
    HERE / "asyncapi.json": lambda: json.dumps(asyncapi.document(), indent=1) + "\n",
    HERE / "openapi.json": openapi,
    PYTHON / "models.py": lambda: python_models(_shapes()),
    PYTHON / "asking.py": lambda: blocking_methods(PYTHON / "client.py", PYTHON / "connection.py"),
    ROOT / "api/static/client/types.d.ts": lambda: typescript_types(_shapes()),
}
"""Every generated file, and what says what should be in it."""


def main() -> None:
    """Write the files."""
    for path, made in DOCUMENTS.items():
        path.write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
