"""A message that is published, and how that is told to Redis."""

from __future__ import annotations

from typing import NamedTuple


class Message(NamedTuple):
    """What goes to a channel."""

    channel: str
    body: bytes
    terminal: bool = False
    """A task ends with it: it is dropped last, and cuts a cool-down short."""
    transient: bool = False
    """It is dropped before any other one."""

    def command(self) -> bytes:
        """Return what makes Redis publish it, as it goes over the wire."""
        channel, body = self.channel.encode(), self.body
        return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (
            *(len(channel), channel),
            *(len(body), body),
        )
