"""The AsyncAPI document as tools read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from api.app import create_app
from api.shapes import EVENT_EXAMPLE
from docs.asyncapi import document
from notifications.events import EventType, TransientType, task_channel, user_channel

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT: dict[str, Any] = document()
CHANNELS = DOCUMENT["channels"]


def references(part: Any) -> Iterator[str]:
    """Yield every reference below a part of the document."""
    if isinstance(part, dict):
        for name, inner in part.items():
            if name == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def followed(reference: str) -> Any:
    """Return what a reference points to."""
    part: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    return part


def valid(message: str, payload: Any) -> bool:
    """Tell whether a payload is what the document says of a message."""
    schema = {**DOCUMENT["components"]["messages"][message]["payload"]}
    return Draft7Validator({**schema, "components": DOCUMENT["components"]}).is_valid(payload)


def test_it_is_complete() -> None:
    """It is AsyncAPI 3, says what it must, and every reference can be followed."""
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    assert all(server.keys() >= {"host", "protocol"} for server in DOCUMENT["servers"].values())
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] == "send"
        assert operation["channel"]["$ref"].startswith("#/channels/")
    found = list(references(DOCUMENT))
    assert len(found) > 100
    for reference in found:
        followed(reference)


@pytest.mark.parametrize("name", CHANNELS)
def test_each_address_names_its_parameters(name: str) -> None:
    """The parameters of a channel are those of its address."""
    channel = CHANNELS[name]
    assert set(re.findall(r"{(\w+)}", channel["address"])) == channel["parameters"].keys()


def test_the_channels_are_ours() -> None:
    """Task and user channels have the addresses that are published to, sockets those served."""
    assert CHANNELS["taskProgress"]["address"] == task_channel("{task_id}")
    assert CHANNELS["userNotifications"]["address"] == user_channel("{user_id}")
    served = {getattr(route, "path", "") for route in _routes(create_app().router)}
    for name in ("taskSocket", "inboxSocket"):
        assert any(CHANNELS[name]["address"].endswith(path) for path in served if "/ws/" in path)


def _routes(router: Any) -> Iterator[Any]:
    for route in router.routes:
        yield route
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _routes(inner)


def test_every_type_of_event_is_a_message() -> None:
    """A task's channels carry each type of event, and inboxes their entries."""
    types = {*map(str, EventType), *map(str, TransientType)}
    for name in ("taskProgress", "taskSocket"):
        assert CHANNELS[name]["messages"].keys() == types
    for name in ("userNotifications", "inboxSocket"):
        assert CHANNELS[name]["messages"].keys() == {"notification"}


def test_payloads_are_json_schemas() -> None:
    """Each schema is one, real events fit theirs, also with fields to come, and others do not."""
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
    assert valid("content_completed", {**EVENT_EXAMPLE, "new": 1})
    assert not valid("content_completed", {**EVENT_EXAMPLE, "type": "content_failed"})
    assert not valid("notification", EVENT_EXAMPLE)
