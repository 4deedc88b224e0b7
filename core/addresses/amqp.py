"""RabbitMQ's address: one node or several, a virtual host, certificates."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from core.addresses.text import (
    AddressError,
    cleaned,
    encoded,
    joined,
    scheme_of,
    shown_host,
    take_apart,
)

PORT: Final = 5672
TLS_PORT: Final = 5671
SCHEMES: Final = ("amqp", "pyamqp", "py-amqp", "amqps", "pyamqps", "amqp+ssl")
_TLS_SCHEMES: Final = SCHEMES[3:]
_FILES: Final = ("cacertfile", "certfile", "keyfile")
_USED: Final = frozenset(
    (*_FILES, "ca_certs", "verify", "cert_reqs", "ssl", "virtual_host", "server_name_indication")
)
_IGNORED: Final = frozenset(
    (
        # time limits and heartbeats are the program's own
        "heartbeat", "connection_timeout", "connection_attempts", "retry_delay", "channel_max",
        "frame_max", "auth_mechanism", "socket_timeout", "blocked_connection_timeout", "locale",
        "fail_if_no_peer_cert", "name",
    )
)  # fmt: skip
_VERIFY: Final = {
    "verify_peer": True, "required": True, "true": True, "cert_required": True,
    "verify_none": False, "none": False, "false": False, "cert_none": False,
}  # fmt: skip
_DEFAULT: Final = "guest"
"""RabbitMQ's own user, and its password."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AmqpAddress:
    """Where a RabbitMQ is, or several nodes of one.

    Attributes:
        hosts: The nodes, tried in this order.
        user: Who signs in.
        password: With which password.
        vhost: The virtual host.
        tls: The connection is encrypted.
        given: What is known about its certificates.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str = field(repr=False)
    vhost: str
    tls: bool
    given: tuple[tuple[str, str], ...]

    @property
    def url(self) -> str:
        """The address as one text."""
        query = "&".join(f"{name}={encoded(value)}" for name, value in self.given)
        hosts = ",".join(f"{shown_host(host)}:{port}" for host, port in self.hosts)
        return self._address(hosts) + (f"?{query}" if query else "")

    @property
    def celery_url(self) -> str:
        """The address as Celery takes it: one for each node, without parameters."""
        return ";".join(self._address(f"{shown_host(host)}:{port}") for host, port in self.hosts)

    @property
    def celery_tls(self) -> dict[str, Any]:
        """What Celery is told of the certificates; without more they are checked."""
        given = dict(self.given)
        checked = given.get("verify") != "verify_none"
        told: dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED if checked else ssl.CERT_NONE}
        if checked:  # None is the host's own name
            told["server_hostname"] = given.get("server_name_indication")
        for ours, theirs in (("cacertfile", "ca_certs"), ("certfile",) * 2, ("keyfile",) * 2):
            if given.get(ours):
                told[theirs] = given[ours]
        return told

    def _address(self, hosts: str) -> str:
        scheme = "amqps" if self.tls else "amqp"
        login = f"{encoded(self.user)}:{encoded(self.password)}"
        return f"{scheme}://{login}@{hosts}/{encoded(self.vhost)}"


@lru_cache(maxsize=16)
def amqp_address(value: str) -> AmqpAddress:
    """Read RabbitMQ's address.

    Raises:
        AddressError: It cannot be used; the message says why and shows no secret.
    """
    text = joined(cleaned(value))
    scheme, _, rest = text.partition("://")
    if rest.endswith("//"):  # "/" itself, RabbitMQ's default, as Celery's documents write it
        text = f"{scheme}://{rest[:-1]}%2F"
    parts = take_apart(text, parameters=_USED | _IGNORED)
    given = _checked(parts.query)
    tls = scheme_of(text) in _TLS_SCHEMES or given.get("ssl", "").lower() in ("1", "true", "yes")
    port = TLS_PORT if tls else PORT
    hosts = tuple((host or "localhost", own or port) for host, own in parts.hosts)
    vhost = given.pop("virtual_host", "") or parts.path or "/"
    given.pop("ssl", "")
    return AmqpAddress(
        hosts=hosts or (("localhost", port),),
        user=parts.user or _DEFAULT,
        password=_DEFAULT if parts.password is None else parts.password,
        vhost=vhost,
        tls=tls,
        given=tuple(given.items()) if tls else (),
    )


def _checked(query: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the parameters that are used, by one name each."""
    given: dict[str, str] = {}
    for name, value in query:
        if name not in _USED | _IGNORED:
            shown = f"parameter {name[:40]}" if name.isidentifier() else "parameter"
            raise AddressError(f"has an unknown {shown}; take it out")
        if name in _USED:
            given[{"ca_certs": "cacertfile", "cert_reqs": "verify"}.get(name, name)] = value
    if "verify" in given:
        checked = _VERIFY.get(given["verify"].lower())
        if checked is None:
            raise AddressError("needs as verify verify_peer or verify_none")
        given["verify"] = "verify_peer" if checked else "verify_none"
    if any(name in given for name in _FILES):
        from core.addresses.certificates import check_files  # few addresses name any

        check_files(
            given, authorities=("cacertfile",), certificate="certfile", key="keyfile", password=None
        )
    return given
