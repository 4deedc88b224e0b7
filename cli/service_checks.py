"""The doctor's questions to running services: PostgreSQL, Redis, workers."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from cli.findings import Finding, clean
from cli.probes import WorkerPing
from cli.standstill import ADVICE
from core.pulse import read_pulses
from core.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from core.pulse import Pulse
    from core.settings import Settings

_TIMEOUT_S: Final = 5.0
_OLDEST_POSTGRES: Final = 14
_OLDEST_REDIS: Final = (6, 2)
_FACTS_SQL: Final = """
    SELECT current_setting('server_version_num')::int / 10000,
           current_setting('server_version'),
           current_setting('max_connections')::int
               - current_setting('superuser_reserved_connections')::int,
           current_setting('server_encoding'),
           current_setting('transaction_read_only') = 'on',
           to_regclass('alembic_version') IS NOT NULL
"""


def check_postgres(url: str, settings: Settings) -> list[Finding]:
    """Look at the database: reachable, new enough, migrated, enough connections."""
    import asyncpg

    from core.addresses import AddressError

    try:
        facts = asyncio.run(_postgres_facts(url, settings))
    except (
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, AddressError,
    ) as error:  # fmt: skip
        reason = clean(str(error) or type(error).__name__)
        return [
            Finding(
                name="PostgreSQL",
                ok=False,
                message=f"cannot be reached: {reason}. Check ROADMAP_DATABASE_URL, or start "
                "`roadmap up`.",
            )
        ]
    major, version, available, encoding, read_only, revision, pooled = facts
    findings = [
        Finding(
            name="PostgreSQL",
            ok=major >= _OLDEST_POSTGRES,
            message=f"version {version}"
            + (", behind a pooler that lends out connections by transaction" if pooled else "")
            + ("" if major >= _OLDEST_POSTGRES else f"; {_OLDEST_POSTGRES} or newer is needed"),
        ),
        _encoded(encoding),
        _migrated(revision),
    ]
    if read_only:
        said = (
            "is read-only: a standby, or default_transaction_read_only is on; nothing is accepted"
        )
        findings.append(Finding(name="database writes", ok=False, message=said))
    findings += [_shared_out(settings), _taken_over(settings, pooled=pooled)]
    budget = settings.database_max_connections
    enough = available >= budget
    findings.append(
        Finding(
            name="database connections",
            ok=enough,
            message=f"the server admits {available}, our budget over all processes is {budget}"
            + (
                ""
                if enough
                else "; lower ROADMAP_DATABASE_MAX_CONNECTIONS or raise max_connections"
            ),
            required=False,
        )
    )
    return findings


def _shared_out(settings: Settings) -> Finding:
    """Look whether the budget is enough for the processes that share it (OPERATIONS.md#sizing)."""
    from core.connection_budget import fits, needed, pool_size

    total, budget = needed(settings), settings.database_max_connections
    enough = fits(budget, settings.database_processes)
    said = (
        f"{settings.database_processes} processes of {pool_size(settings)} connections and a"
        f" reserve need {total} of {budget}"
    )
    if not enough:
        said += (
            ", and none of them starts; run fewer processes, raise"
            " ROADMAP_DATABASE_MAX_CONNECTIONS, or correct ROADMAP_DATABASE_PROCESSES"
        )
    return Finding(name="connection budget", ok=enough, message=said)


def _taken_over(settings: Settings, *, pooled: bool) -> Finding:
    """Look whether a dead worker can be told from a silent one."""
    from core.connection_budget import has_room_for_life

    why = None
    if pooled:
        why = (
            "a pooler by transaction keeps no lock; give workers a ROADMAP_DATABASE_URL that"
            " leads to PostgreSQL itself"
        )
    elif not has_room_for_life(settings):
        why = (
            "each process needs a third connection for that; raise"
            " ROADMAP_DATABASE_MAX_CONNECTIONS or run fewer processes"
        )
    return Finding(
        name="takeover",
        ok=why is None,
        message="the tasks of a killed worker go on within seconds"
        if why is None
        else f"the tasks of a killed worker wait for its lease ({settings.lease_s:g} s): {why}",
        required=False,
    )


def check_redis(url: str, *, name: str = "Redis") -> list[Finding]:
    """Look at a Redis: reachable, new enough, evicting nothing."""
    from redis.exceptions import RedisError

    try:
        info = asyncio.run(_redis_facts(url))
    except (RedisError, OSError, ValueError) as error:
        if why := refusal(error):
            return [Finding(name=name, ok=False, message=f"{why} ({clean(str(error))})")]
        reason = clean(str(error) or type(error).__name__)
        message = f"cannot be reached: {reason}. Check the address, or start `roadmap up`."
        return [Finding(name=name, ok=False, message=message)]
    version = str(info.get("redis_version", "0"))
    new_enough = _version(version) >= _OLDEST_REDIS
    policy = str(info.get("maxmemory_policy", "unknown"))
    keeps = policy == "noeviction"
    valkey = info.get("valkey_version")
    said = (f"Valkey {valkey}, as Redis {version}" if valkey else f"version {version}") + (
        "" if new_enough else "; 6.2 or newer is needed"
    )
    return [
        Finding(name=name, ok=new_enough, message=said),
        Finding(
            name=f"{name} eviction policy",
            ok=keeps,
            message=policy + ("" if keeps else "; set maxmemory-policy noeviction, or a full "
                              "server drops messages (their tasks then start later)"),
            required=False,
        ),
    ]  # fmt: skip


def check_broker(url: str) -> list[Finding]:
    """Look at a broker of its own: a Redis like the other, a RabbitMQ by connecting to it."""
    from core.addresses import AmqpAddress, broker_address

    if not isinstance(broker_address(url), AmqpAddress):
        return check_redis(url, name="broker")
    ping = WorkerPing(url)
    try:
        said = ping.broker() or "answers"
    except OSError as error:
        message = f"cannot be reached: {clean(str(error))}. Check ROADMAP_BROKER_URL."
        return [Finding(name="broker", ok=False, message=message)]
    finally:
        ping.close()
    return [Finding(name="broker", ok=True, message=said)]


def check_workers(broker_url: str, *, prefix: str = "", pulses: Path | None = None) -> Finding:
    """Ask whether a worker answers, and whether those of this machine do anything.

    Args:
        broker_url: Where they listen.
        prefix: REDIS_PREFIX of the stack.
        pulses: The folder in which those of this machine say what they do.
    """
    ping = WorkerPing(broker_url, prefix=prefix, timeout_s=2.0)
    try:
        names = sorted(ping.answering())
    except OSError as error:
        why = refusal(error) or "cannot be reached"
        said = f"the broker {why}: {clean(str(error))}"
        return Finding(name="workers", ok=False, message=said)
    finally:
        ping.close()
    told = read_pulses(pulses) if pulses is not None else []
    if not names:
        silent = [f"{each.node} (process {each.pid}) {why}" for each, why in _frozen(told)]
        advice = "start one with `roadmap worker` or `roadmap up`"
        if silent:
            advice = f"{clean('; '.join(silent))}. Let it go on, or kill it and start it again"
        return Finding(name="workers", ok=False, message=f"none answers; {advice}")
    return _standing([pulse for pulse in told if pulse.node in names], names)


def _frozen(pulses: Sequence[Pulse]) -> list[tuple[Pulse, str]]:
    """Return the workers of this machine whose process is there and does nothing, and why."""
    found = [(each, each.hangs(time.time())) for each in pulses if each.is_there()]
    return [(each, why) for each, why in found if why]


def _standing(pulses: Sequence[Pulse], names: Sequence[str]) -> Finding:
    """Return whether workers that answer do anything; a child is replaced by its worker."""
    now = time.time()
    hanging = {pulse.node: problem for pulse in pulses if (problem := pulse.hangs(now))}
    remarks = {pulse.node: remark for pulse in pulses if (remark := pulse.remark(now))}
    if not hanging and not remarks:
        return Finding(name="workers", ok=True, message=", ".join(names))
    told = "; ".join(f"{node} answers, but {why}" for node, why in (hanging or remarks).items())
    message = f"{clean(told)}. {ADVICE}" + (". Restart it" if hanging else "")
    return Finding(name="workers", ok=False, message=message, required=bool(hanging))


def _encoded(encoding: str) -> Finding:
    from db.migrate import ENCODING, ENCODING_REMEDY

    right = encoding == ENCODING
    said = encoding if right else f"{encoding}, {ENCODING_REMEDY}"
    return Finding(name="database encoding", ok=right, message=said)


def _migrated(revision: str | None) -> Finding:
    from db.migration_names import Schema, head, schema_of

    schema = schema_of(revision)
    if schema is Schema.NEWEST:
        return Finding(name="migrations", ok=True, message=f"at {revision}")
    if schema is Schema.NEWER:
        said = f"at {revision}, of a later release; this one works with it"
        return Finding(name="migrations", ok=True, message=said)
    said = f"at {revision or 'nothing'}, {head()} is needed; run `roadmap db upgrade`"
    return Finding(name="migrations", ok=False, message=said)


async def _redis_facts(url: str) -> dict[str, Any]:
    from notifications.clients import check_willing, redis_client

    async with redis_client(
        url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
    ) as client:
        await check_willing(client)
        told: dict[str, Any] = await client.info()
        return told


@asynccontextmanager
async def connected(url: str, settings: Settings) -> AsyncIterator[Any]:
    """Open a connection to PostgreSQL as our processes do, and tell of a pooler before it."""
    from core.addresses import postgres_address
    from db.connecting import APPLICATION, open_connection

    address = postgres_address(url)
    connection, between = await open_connection(
        address,
        session={"application_name": APPLICATION, **address.server_settings},
        pooler=settings.database_pooler,
        connect_timeout_s=_TIMEOUT_S,
        command_timeout_s=_TIMEOUT_S,
    )
    try:
        yield connection, between
    finally:
        await connection.close(timeout=_TIMEOUT_S)


async def _postgres_facts(
    url: str, settings: Settings
) -> tuple[int, str, int, str, bool, str | None, bool]:
    from core.choices import Pooler

    async with connected(url, settings) as (connection, between):
        row = await connection.fetchrow(_FACTS_SQL)
        if row is None:
            raise OSError("PostgreSQL answered nothing")
        *facts, stamped = row
        revision = None
        if stamped:
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        return (*facts, revision, between is Pooler.TRANSACTION)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
