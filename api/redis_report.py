"""Reports the connections and channels of Redis, who uses them, and what an operator should do."""

from __future__ import annotations

import re
from collections import Counter as Tally
from typing import TYPE_CHECKING, Any, Final

from core.settings import get_settings
from notifications.events import task_channel, user_channel
from notifications.publisher import publisher_status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.composition import Services

CHANNELS_SHOWN: Final = 20
_OF_DATABASE: Final = re.compile(r"/(\d+)\.")
NEARLY: Final = 0.8
LARGE_BACKLOG: Final = 8 * 1024 * 1024
"""Bytes that the server holds for one client that does not read."""
_SERVER_FACTS: Final = {
    "version": "redis_version",
    "uptime_s": "uptime_in_seconds",
    "clients": "connected_clients",
    "blocked_clients": "blocked_clients",
    "max_clients": "maxclients",
    "connections_received": "total_connections_received",
    "connections_rejected": "rejected_connections",
    "used_memory": "used_memory",
    "max_memory": "maxmemory",
    "max_memory_policy": "maxmemory_policy",
    "evicted_keys": "evicted_keys",
}


async def redis_report(services: Services) -> dict[str, Any]:
    """Return pools, clients, channels with their subscribers, and advice.

    Raises:
        RedisError: It cannot be asked.
    """
    client: Any = services.redis
    info: dict[str, Any] = await client.info("all")
    clients: list[dict[str, str]] = await client.client_list()
    channels = [name for name in await client.pubsub_channels() if _is_ours(name)]
    subscribers = dict(await client.pubsub_numsub(*channels)) if channels else {}
    report: dict[str, Any] = {
        "hub": services.hub.status(),
        "publisher": publisher_status(),
        "pool": _pool(client.connection_pool),
        "server": {name: info.get(key) for name, key in _SERVER_FACTS.items()}
        | client_figures(clients)
        | {
            "channels": len(channels),
            "task_channels": sum(name.startswith(task_channel("")) for name in channels),
            "user_channels": sum(name.startswith(user_channel("")) for name in channels),
        },
        "channels": dict(Tally(subscribers).most_common(CHANNELS_SHOWN)),
    }
    return report | {"advice": advice(report)}


def _is_ours(channel: str) -> bool:
    """Tell whether a channel can be of this stack: Redis's databases have their channels in common.

    kombu names the database in its own (`/0.celery.pidbox`); ours bear REDIS_PREFIX, if any.
    """
    settings = get_settings()
    prefix = settings.redis_prefix
    if not channel.startswith(prefix):
        return False
    database = _OF_DATABASE.match(channel, len(prefix))
    return database is None or database[1] == _database_of(settings.broker)


def _database_of(url: str) -> str:
    found = re.search(r"^rediss?://[^?]*/(\d+)(?:\?|$)", url)
    return found[1] if found else "0"


def kind_of(client: Mapping[str, str]) -> str:
    """Return what a connection is for: `normal`, `pubsub`, `replication` or `monitor`.

    `flags` is a set of letters, several at a time and upper and lower case apart: `P` is Pub/Sub,
    `N` is nothing in particular, `x` a transaction. Neither equality with one letter nor a search
    that ignores case counts them; and a subscriber by pattern or shard has no plain channel.
    """
    flags = set(client.get("flags", ""))
    if flags & {"M", "S"}:
        return "replication"
    if "O" in flags:
        return "monitor"
    subscribed = sum(int(client.get(name, 0)) for name in ("sub", "psub", "ssub"))
    return "pubsub" if "P" in flags or subscribed else "normal"


def client_figures(clients: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return how many connections there are of each kind, and of each name."""
    kinds = Tally(kind_of(client) for client in clients)
    names = Tally(client.get("name") or "unnamed" for client in clients)
    return {
        "normal_clients": kinds["normal"],
        "pubsub_clients": kinds["pubsub"],
        "other_clients": kinds["replication"] + kinds["monitor"],
        "clients_by_name": dict(names.most_common()),
        "slowest_client_backlog": max((int(c.get("omem", 0)) for c in clients), default=0),
    }


def advice(report: Mapping[str, Any]) -> list[str]:
    """Return what an operator should do, most urgent first; nothing when all is well."""
    server, publisher = report["server"], report["publisher"]
    policy = server["max_memory_policy"]
    found = [
        (
            not report["hub"]["connected"],
            "Live events come by polling: this process has no Pub/Sub connection at the moment.",
        ),
        (
            publisher["failing"],
            "Publishing fails; look for `publishing_failed` or `publishing_timed_out` in the log.",
        ),
        (
            _nearly(server["clients"], server["max_clients"]),
            (
                "Nearly all of the server's clients are used: raise its `maxclients`, or find out"
                " in `clients_by_name` who opens so many."
            ),
        ),
        (
            server["connections_rejected"],
            "The server has refused connections since it started: `maxclients` was reached.",
        ),
        (
            _nearly(server["used_memory"], server["max_memory"]),
            "The server's memory is nearly full: raise `maxmemory`.",
        ),
        (
            server["max_memory"] and policy and policy != "noeviction",
            (
                f"`maxmemory-policy` is {policy}: queued messages may be thrown away. Use"
                " `noeviction` for a server that is a broker."
            ),
        ),
        (
            server["slowest_client_backlog"] > LARGE_BACKLOG,
            (
                "A client does not read what it subscribed to; the server will cut it off. `CLIENT"
                " LIST` shows it by `omem`."
            ),
        ),
        (
            publisher["dropped"],
            (
                "Events were not published for lack of room while Redis was away. Nobody missed"
                " any: they are in the log."
            ),
        ),
    ]
    return [text for applies, text in found if applies]


def _nearly(used: int | None, limit: int | None) -> bool:
    return bool(limit) and (used or 0) > NEARLY * (limit or 0)


def _pool(pool: Any) -> dict[str, int]:
    """Return the figures of the pool for commands, which is apart from the Pub/Sub connection."""
    return {
        "limit": pool.max_connections,
        "in_use": len(pool._in_use_connections),  # noqa: SLF001 - there is no public name
        "idle": len(pool._available_connections),  # noqa: SLF001 - ditto
    }
