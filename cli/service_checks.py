"""The doctor's questions to running services: Redis, broker, workers."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from cli.findings import Finding, clean
from cli.probes import WorkerPing
from cli.standstill import ADVICE
from cli.tls_advice import tls_advice
from core.pulse import read_pulses
from core.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from core.pulse import Pulse

_TIMEOUT_S: Final = 5.0
_OLDEST_REDIS: Final = (6, 2)


def check_redis(url: str, *, name: str = "Redis") -> list[Finding]:
    """Look at a Redis: reachable, new enough, evicting nothing."""
    from redis.exceptions import RedisError

    try:
        info = asyncio.run(_redis_facts(url))
    except (RedisError, OSError, ValueError) as error:
        if why := refusal(error):
            return [Finding(name=name, ok=False, message=f"{why} ({clean(str(error))})")]
        reason = clean(str(error) or type(error).__name__)
        advice = tls_advice(reason, url) or " Check the address, or start `roadmap up`."
        message = f"cannot be reached: {reason.rstrip('.')}.{advice}"
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
        reason = clean(str(error))
        advice = tls_advice(reason, url) or " Check ROADMAP_BROKER_URL."
        message = f"cannot be reached: {reason}.{advice}"
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


async def _redis_facts(url: str) -> dict[str, Any]:
    from notifications.clients import check_willing, redis_client

    async with redis_client(
        url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
    ) as client:
        await check_willing(client)
        told: dict[str, Any] = await client.info()
        return told


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
