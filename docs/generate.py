"""Writes what documentation is made from code: `make docs`. A contract test keeps it current."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from core.settings import PREFIX, SECRETS, Settings
from docs.cli_reference import cli_reference
from notifications.events import EventType, json_schema

HERE: Final = Path(__file__).parent


def settings_table() -> str:
    """Return the table of settings as Markdown."""
    lines = [
        "# Settings",
        "",
        (
            "From the environment or `.env`, environment first. Generated from `core/settings.py`"
            " by `make docs`."
        ),
        "",
        (
            "Unknown names that begin with `ROADMAP_` and invalid values stop the program with one"
            " message that names"
        ),
        "the variable. "
        + ", ".join(f"`{PREFIX}{name}`" for name in SECRETS)
        + " may be given as `…_FILE`, a file that holds the value.",
        "",
        "| name | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        shown = getattr(default, "get_secret_value", lambda d=default: d)()
        text = "" if shown is None or shown == () else f"`{shown}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {text} | {field.description} |")
    return "\n".join(lines) + "\n"


def event_catalogue() -> str:
    """Return the catalogue of events as Markdown."""
    schema = json_schema()
    lines = [
        "# Events",
        "",
        (
            "Generated from `notifications/events.py` by `make docs`; the JSON Schema is"
            " [events.schema.json](events.schema.json)."
        ),
        "",
        "| type | tells | data |",
        "| --- | --- | --- |",
    ]
    for event in EventType:
        model = schema["$defs"]["".join(part.capitalize() for part in event.split("_"))]
        data = schema["$defs"][model["properties"]["data"]["$ref"].rsplit("/", 1)[1]]
        fields = ", ".join(f"`{name}`" for name in data.get("properties", {}))
        lines.append(f"| `{event}` | {model['description']} | {fields} |")
    return "\n".join(lines) + "\n"


def documents() -> dict[Path, str]:
    """Return every generated file and what it should say."""
    return {
        HERE / "SETTINGS.md": settings_table(),
        HERE / "EVENTS.md": event_catalogue(),
        HERE / "CLI.md": cli_reference(),
        HERE / "events.schema.json": json.dumps(json_schema(), indent=1) + "\n",
    }


def main() -> None:
    """Write the files."""
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
