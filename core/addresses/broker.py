"""The broker's address, and what Celery is told of it: Redis in all its forms, or RabbitMQ."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any, Final

from core.addresses.amqp import SCHEMES as AMQP_SCHEMES
from core.addresses.amqp import AmqpAddress, amqp_address
from core.addresses.redis import SCHEMES as REDIS_SCHEMES
from core.addresses.redis import RedisAddress, redis_address
from core.addresses.text import AddressError, cleaned, encoded, scheme_of, shown_host

SENTINEL_S: Final = 2.0
"""How long a silent Sentinel is waited for before the next is asked."""
_CHECKS: Final = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL,
                  "required": ssl.CERT_REQUIRED}  # fmt: skip


@lru_cache(maxsize=16)
def broker_address(value: str) -> RedisAddress | AmqpAddress:
    """Read the broker's address.

    Raises:
        AddressError: It cannot be used; the message says why and shows no secret.
    """
    scheme = scheme_of(cleaned(value))
    if scheme in AMQP_SCHEMES:
        return amqp_address(value)
    if scheme in REDIS_SCHEMES or not scheme or scheme.startswith("redis"):
        return redis_address(value)
    raise AddressError(
        "must begin with redis://, rediss://, unix://, redis+sentinel://, amqp:// or amqps://"
    )


def celery_options(value: str) -> dict[str, Any]:
    """Return what Celery is told of a broker, by the names of its settings.

    `broker_transport_options` holds only what the address asks for; it goes over the others.

    Raises:
        AddressError: The address cannot be used.
    """
    address = broker_address(value)
    if isinstance(address, AmqpAddress):
        told: dict[str, Any] = {"broker_url": address.celery_url}
        return told | ({"broker_use_ssl": address.celery_tls} if address.tls else {})
    told = {"broker_url": _celery_url(address), "broker_transport_options": {}}
    if address.tls:
        told["broker_use_ssl"] = _redis_tls(address)
    if address.master is not None:
        told["broker_transport_options"] = {
            "master_name": address.master,
            "sentinel_kwargs": sentinel_login(address),
        }
    return told


def sentinel_login(address: RedisAddress) -> dict[str, Any]:
    """Return how the Sentinels themselves are asked, as redis-py's arguments."""
    given = address.parameters
    login: dict[str, Any] = {
        "socket_timeout": SENTINEL_S,
        "socket_connect_timeout": SENTINEL_S,
        "retry": None,  # the next Sentinel is asked instead
    }
    for name in ("username", "password"):
        if given.get(f"sentinel_{name}"):
            login[name] = given[f"sentinel_{name}"]
    return login | (redis_tls(address) if address.tls else {})


def redis_tls(address: RedisAddress) -> dict[str, Any]:
    """Return an encrypted address's redis-py arguments."""
    return {"ssl": True, **_redis_tls(address)}


def _redis_tls(address: RedisAddress) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value for name, value in address.given if name.startswith("ssl_") and value
    }
    found["ssl_cert_reqs"] = _CHECKS[found["ssl_cert_reqs"]]
    found["ssl_check_hostname"] = found.get("ssl_check_hostname", "true") == "true"
    if "ssl_min_version" in found:
        found["ssl_min_version"] = ssl.TLSVersion(int(found["ssl_min_version"]))
    return found


def _celery_url(address: RedisAddress) -> str:
    user = encoded(address.user or "")
    secret = "" if address.password is None else f":{encoded(address.password)}"
    login = f"{user}{secret}@" if user or secret else ""
    if address.socket is not None:
        path = encoded(address.socket).replace("%2F", "/")
        return f"redis+socket://{login}{path}?virtual_host={address.database}"
    scheme = "rediss" if address.tls else "redis"
    if address.master is not None:
        scheme = "sentinel"
    return ";".join(
        f"{scheme}://{login}{shown_host(host)}:{port}/{address.database}"
        for host, port in address.hosts
    )
