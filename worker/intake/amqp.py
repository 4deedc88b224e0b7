"""kombu's AMQP transports, which would decompress what they read, however large it becomes."""

from __future__ import annotations

from typing import Any

from kombu.transport import pyamqp


class Message(pyamqp.Message):  # type: ignore[misc]  # kombu publishes no types
    """A message as it came; `judge` decompresses, with a limit."""

    def __init__(self, msg: Any, channel: Any = None, **kwargs: Any) -> None:
        headers = msg.properties.get("application_headers")
        packed = isinstance(headers, dict) and "compression" in headers
        if packed:
            method = headers.pop("compression")
        super().__init__(msg, channel=channel, **kwargs)
        if packed:
            self.headers["compression"] = method


class Channel(pyamqp.Channel):  # type: ignore[misc]  # ditto
    """Makes our messages."""

    Message = Message


class Connection(pyamqp.Connection):  # type: ignore[misc]  # ditto
    """Makes our channels."""

    Channel = Channel


class Transport(pyamqp.Transport):  # type: ignore[misc]  # ditto
    """For `amqp://`."""

    Connection = Connection


class SSLTransport(pyamqp.SSLTransport):  # type: ignore[misc]  # ditto
    """For `amqps://`."""

    Connection = Connection
