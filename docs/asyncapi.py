"""The AsyncAPI 3 document: what comes over our channels, for programs that listen."""

from __future__ import annotations

from typing import Any, Final

from api.http import PREFIX
from notifications.events import EventType, StreamEvent, TransientType
from notifications.inbox_entry import InboxEntry
from notifications.reading import open_schema

VERSION: Final = "1.0.0"
_SCHEMAS: Final = "#/components/schemas/"
_MESSAGES: Final = "#/components/messages/"
_DESCRIPTION: Final = """\
Progress of tasks and entries of inboxes, as they happen. Redis carries copies that may be lost, \
repeated or late; the event log (`GET /api/v1/tasks/{task_id}/events`) has every event, numbered \
by `seq` from 1 without gaps. So a listener reads the log first, takes the event with the next \
`seq` from the channel, drops lower ones, and reads the log again whenever one is missing. The \
WebSocket does all of that already.

Fields and types may be added: ignore what you do not know. Transient events have no `seq`, are \
never stored, and may be dropped.
"""


def document() -> dict[str, Any]:
    """Return the document."""
    events = [str(event) for event in (*EventType, *TransientType)]
    schemas = _schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "roadmap-worker",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "redis": {
                "host": "localhost:6379",
                "protocol": "redis",
                "description": "Pub/Sub of `ROADMAP_REDIS_URL`.",
            },
            "api": {
                "host": "localhost:8000",
                "protocol": "ws",
                "description": "WebSocket of the API; `?ticket=` where headers cannot be set.",
            },
        },
        "channels": {
            "taskProgress": _channel(
                "task_progress:{task_id}", "A task's events.", events, server="redis"
            ),
            "userNotifications": _channel(
                "notifications:{user_id}", "A user's inbox.", ["notification"], server="redis"
            ),
            "taskSocket": _channel(
                f"{PREFIX}/ws/tasks/{{task_id}}",
                "A task's events after `?after=SEQ`, replayed, then live; closes with 1000 after"
                " the terminal one.",
                events,
                server="api",
            ),
            "inboxSocket": _channel(
                f"{PREFIX}/ws/notifications",
                "One's own inbox after `?after=ID`, live.",
                ["notification"],
                server="api",
            ),
        },
        "operations": {
            "publishTaskProgress": _operation("taskProgress"),
            "publishNotifications": _operation("userNotifications"),
            "sendTaskEvents": _operation("taskSocket"),
            "sendNotifications": _operation("inboxSocket"),
        },
        "components": {
            "messages": {
                **{name: _message(name, schemas) for name in events},
                "notification": _message("notification", schemas, schema="InboxEntry"),
            },
            "parameters": {
                "task_id": {"description": "The task's id."},
                "user_id": {"description": "The user's id."},
            },
            "schemas": schemas,
        },
    }


def _schemas() -> dict[str, Any]:
    template = _SCHEMAS + "{model}"
    found: dict[str, Any] = {}
    for name, model in {"StreamEvent": StreamEvent, "InboxEntry": InboxEntry}.items():
        schema = open_schema(model, ref_template=template)
        found |= schema.pop("$defs", {})
        if name != "StreamEvent":  # each message has a type of its own
            found[name] = schema
    return dict(sorted(found.items()))


def _channel(address: str, description: str, messages: list[str], *, server: str) -> dict[str, Any]:
    parameters = [part.split("}")[0] for part in address.split("{")[1:]]
    return {
        "address": address,
        "description": description,
        "servers": [{"$ref": f"#/servers/{server}"}],
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in parameters},
        "messages": {name: {"$ref": _MESSAGES + name} for name in messages},
    }


def _operation(channel: str) -> dict[str, Any]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{channel}"}}


def _message(name: str, schemas: dict[str, Any], *, schema: str | None = None) -> dict[str, Any]:
    schema = schema or model_name(name)
    return {
        "name": name,
        "title": name.replace("_", " "),
        "summary": schemas[schema]["description"],
        "payload": {"$ref": _SCHEMAS + schema},
    }


def model_name(event_type: str) -> str:
    """Return the name of the model of a type of event."""
    return "".join(part.capitalize() for part in event_type.split("_"))
