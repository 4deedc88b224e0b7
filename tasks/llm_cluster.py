"""What the workers' processes share about the language model's provider, in Redis.

A process tells how many calls it has and gets further ones by one script, so nothing is checked
first and added later. What it tells is kept for LEASE_S: a killed worker's slots come back by
themselves. Every round trip has a time limit; when Redis is gone, silent or full, the process goes
on with its own share (`ClusterAwayError`) and a background task looks whether Redis is back, so
that calls wait for a Redis that fails once, not each time.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core import timeouts
from core.logging import get_logger
from core.settings import get_settings
from core.wire_names import own
from llm.cluster import ClusterAwayError, Standing
from llm.turns import scope_of
from notifications.clients import redis_client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from limits import RateLimitItem
    from limits.aio.strategies import SlidingWindowCounterRateLimiter
    from redis.asyncio import Redis

log = get_logger(__name__)
T = TypeVar("T")

GUARD_S: Final = 0.5
TRIES: Final = 2
"""A process that was short of CPU for a moment must not believe that Redis is away."""
LOOK_AGAIN_S: Final = 1.0
LEASE_S: Final = 10
PATIENCE_S: Final = 2
"""A process that waits asks many times a second; one that does not is no longer waiting."""
REMEMBER_S: Final = 600

# What is told of the future, or holds for longer than a lease, is of a clock that was put back.
_EXCHANGE: Final = """
local held, seen, line, asked, mood = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local me, has, want, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local lease_ms, patience_ms = tonumber(ARGV[5]), tonumber(ARGV[6])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

for _, ended in ipairs({{'-inf', now}, {'(' .. now + lease_ms, '+inf'}}) do
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', seen, ended[1], ended[2])) do
    redis.call('HDEL', held, gone)
    redis.call('ZREM', line, gone)
    redis.call('ZREM', asked, gone)
  end
  redis.call('ZREMRANGEBYSCORE', seen, ended[1], ended[2])
end
for _, left in ipairs(redis.call('ZRANGEBYSCORE', asked, '-inf', now - patience_ms)) do
  redis.call('ZREM', line, left)
end
redis.call('ZREMRANGEBYSCORE', asked, '-inf', now - patience_ms)

local granted = want
if limit > 0 then
  local total = has
  local all = redis.call('HGETALL', held)
  for i = 1, #all, 2 do
    if all[i] ~= me then total = total + tonumber(all[i + 1]) end
  end
  if want > 0 then
    redis.call('ZADD', line, 'NX', now, me)
    redis.call('ZADD', asked, now, me)
    -- processes take turns: who waits longer comes first, and goes to the end with what it got
    local free = limit - total - redis.call('ZRANK', line, me)
    granted = math.max(0, math.min(want, free))
    if granted > 0 and redis.call('ZCARD', line) > 1 then granted = 1 end
    if granted > 0 then redis.call('ZREM', line, me) end
  else
    redis.call('ZREM', line, me)
    redis.call('ZREM', asked, me)
  end
end

if has + granted > 0 then
  redis.call('HSET', held, me, has + granted)
else
  redis.call('HDEL', held, me)
end
redis.call('ZADD', seen, now + lease_ms, me)
for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], lease_ms * 2) end
local told = redis.call('HMGET', mood, 'slowdown', 'until', 'at')
local pause = math.max(0, (tonumber(told[2]) or 0) - now)
if (tonumber(told[3]) or 0) > now then pause = 0 end
return {granted, redis.call('ZCARD', seen), tonumber(told[1]) or 0, pause}
"""

_SLOW_DOWN: Final = """
local known, pause_ms, remember_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local told = redis.call('HMGET', KEYS[1], 'slowdown', 'until', 'at')
local last = tonumber(told[1]) or 0
if last == known or last == 0 then
  last = math.max(now, last + 1)
  redis.call('HSET', KEYS[1], 'slowdown', last)
end
if now + pause_ms > (tonumber(told[2]) or 0) or (tonumber(told[3]) or 0) > now then
  redis.call('HSET', KEYS[1], 'until', now + pause_ms, 'at', now)
end
redis.call('PEXPIRE', KEYS[1], remember_ms)
return last
"""

_LEAVE: Final = """
for i = 2, 4 do redis.call('ZREM', KEYS[i], ARGV[1]) end
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


class RedisCluster:
    """One event loop's way to what is shared; a `Cluster`."""

    def __init__(self) -> None:
        settings = get_settings()
        self._me = uuid.uuid4().hex
        prefix = own(f"roadmap:llm:{{{scope_of(settings)}}}")
        self._keys = [f"{prefix}:{name}" for name in ("held", "seen", "line", "asked", "mood")]
        self._url = settings.redis_url.get_secret_value()
        self._redis: Redis = redis_client(self._url, **_guarded())
        self._exchange: Any = self._redis.register_script(_EXCHANGE)
        self._slow_down: Any = self._redis.register_script(_SLOW_DOWN)
        self._leave: Any = self._redis.register_script(_LEAVE)
        self._limiter: SlidingWindowCounterRateLimiter | None = None
        self._away: asyncio.Task[None] | None = None

    async def exchange(self, *, held: int, want: int, limit: int | None) -> Standing:
        """Tell what this process has and wants, and learn what it may begin."""
        numbers = (held, want, limit or 0, LEASE_S * 1000, PATIENCE_S * 1000)
        granted, processes, slowdown, pause_ms = await self._ask(
            lambda: self._exchange(keys=self._keys, args=[self._me, *numbers])
        )
        return Standing(
            granted=granted,
            processes=max(1, processes),
            slowdown=slowdown,
            pause_s=pause_ms / 1000,
        )

    async def slow_down(self, *, seen: int, pause_s: float) -> int:
        """Tell all processes that the provider sends calls away."""
        numbers = (seen, int(pause_s * 1000), REMEMBER_S * 1000)
        told: int = await self._ask(
            lambda: self._slow_down(keys=self._keys[-1:], args=list(numbers))
        )
        return told

    async def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Count against a rate of the `limits` library."""
        limiter = self._limiter
        if limiter is None:
            from notifications.counting import counting_in

            limiter = self._limiter = counting_in(self._redis, name="roadmap:llm")
        return await self._ask(lambda: limiter.hit(item, *identifiers, cost=cost))

    async def leave(self) -> None:
        """Give everything back and close."""
        if self._away is not None and not self._away.done():
            self._away.cancel()
            await asyncio.wait({self._away})
        else:
            try:
                await self._ask(lambda: self._leave(keys=self._keys[:4], args=[self._me]), tries=1)
            except ClusterAwayError:
                log.debug("provider_slots_release_failed")
        await self._redis.aclose()

    async def _ask(self, ask: Callable[[], Awaitable[T]], *, tries: int = TRIES) -> T:
        """Ask Redis, twice at most, for a second at most each.

        Raises:
            ClusterAwayError: It is gone, silent or full, or was a moment ago.
        """
        if self._away is not None and not self._away.done():
            raise ClusterAwayError
        for again in reversed(range(tries)):
            try:
                async with timeouts.timeout(GUARD_S):
                    return await ask()
            except (RedisError, OSError, TimeoutError) as error:
                if again:
                    continue
                log.warning("provider_limits_not_shared", error=str(error) or type(error).__name__)
        self._away = asyncio.create_task(self._look_again(), name="llm-cluster-away")
        raise ClusterAwayError

    async def _look_again(self) -> None:
        """End when Redis can be written to again."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                async with timeouts.timeout(GUARD_S):
                    await self._redis.set(f"{self._keys[0]}:probe", self._me, px=1000)
            except (RedisError, OSError, TimeoutError):
                continue
            log.info("provider_limits_shared_again")
            return


def _guarded() -> dict[str, Any]:
    return {
        "socket_timeout": GUARD_S,
        "socket_connect_timeout": GUARD_S,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),  # `_ask` decides how often
        "max_connections": 4,
    }
