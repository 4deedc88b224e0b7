"""Publishes what a committed fact tells: its events, and what it put into an inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.facts import Insert
from db.models import Notification
from notifications.deltas import forget as forget_text
from notifications.inbox_entry import InboxEntry
from notifications.publisher import publish_events, publish_notification

if TYPE_CHECKING:
    from db.facts import Recorded


def publish(recorded: Recorded) -> None:
    """Hand a committed fact's events, and what it put into an inbox, to the publisher."""
    forget_text(recorded.events)
    publish_events(recorded.events)
    for write in recorded.rows:
        if isinstance(write, Insert) and write.table is Notification.__table__:
            entry = InboxEntry.model_validate({**write.values, "created_at": recorded.at})
            publish_notification(entry)
