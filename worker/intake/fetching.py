"""Takes many messages in one go while they come quickly, and acknowledges many in one go.

A message by itself is three round trips to Redis: it is read, noted as fetched, and taken from the
notes again. In a burst these were half of what its delivery cost, and since deliveries came one by
one, there was little for the event loop to do for many of them at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kombu.asynchronous import get_event_loop
from kombu.transport import redis, virtual
from redis.exceptions import RedisError

from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

log = get_logger(__name__)

MOST: Final = 50
"""Messages in one go."""
SHARE: Final = 8
"""No more than one for so many free slots, so that other workers and queues have their turn."""
QUICK_S: Final = 0.02
"""Two messages that come so soon after each other may well have others behind them."""
ACK_S: Final = 0.01
"""How long an acknowledgement waits for others. A message whose worker is killed meanwhile comes
back, as one does whose worker is killed a moment earlier; its row says that it was taken."""
_LARGEST: Final = 16 * 1024
"""Bytes of one that is taken with others."""

# Each is noted as kombu would note it, in its own words, and before it leaves its queue: a script
# that fails in the middle loses none.
_FETCH: Final = """
local found = {}
for i = 3, #ARGV do
  local item = redis.call('LINDEX', KEYS[1], -1)
  if not item or #item > tonumber(ARGV[2]) then break end
  redis.call('HSET', KEYS[2], ARGV[i], '[' .. item .. ',"","' .. ARGV[1] .. '"]')
  redis.call('ZADD', KEYS[3], redis.call('TIME')[1], ARGV[i])
  redis.call('RPOP', KEYS[1])
  found[#found + 1] = item
end
return found
"""


def fetch(channel: Any, key: str, *, queue: str, tags: Sequence[str]) -> list[bytes]:
    """Take the next messages of a list, as many as there are tags; each is noted under its tag.

    Raises:
        RedisError: Redis is gone, or does not let us.
    """
    with channel.conn_or_acquire() as client:
        prefix = channel.global_keyprefix  # kombu puts it before a script's first key only
        notes = [prefix + name for name in (channel.unacked_key, channel.unacked_index_key)]
        script = client.register_script(_FETCH)
        found: list[bytes] = script(keys=[key, *notes], args=[queue, _LARGEST, *tags])
        return found


class GatheringQoS(redis.QoS):  # type: ignore[misc]  # kombu publishes no types
    """Takes acknowledged messages from the notes a few moments later, many at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is fetched yet."""
        super().__init__(*args, **kwargs)
        self.noted: set[str] = set()
        """Of messages that Redis has noted already, and that are yet to be delivered."""
        self._over: list[str] = []
        self._flushes = False

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message as fetched, unless it was noted as it was taken."""
        if delivery_tag in self.noted:
            self.noted.discard(delivery_tag)
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Take a message from the notes, soon."""
        virtual.QoS.ack(self, delivery_tag)
        self.forget(delivery_tag)

    def forget(self, delivery_tag: str) -> None:
        """Do so with one that was noted and is not delivered."""
        self._over.append(delivery_tag)
        hub = get_event_loop()
        if hub is None:
            self.flush()
        elif not self._flushes:
            self._flushes = True
            hub.call_later(ACK_S, self.flush)

    def flush(self) -> None:
        """Take them from the notes now. What Redis does not hear of comes back, and is ended."""
        self._flushes = False
        over, self._over = self._over, []
        if not over:
            return
        try:
            with self.channel.conn_or_acquire() as client:
                pipe = client.pipeline()
                pipe.zrem(self.unacked_index_key, *over)
                pipe.hdel(self.unacked_key, *over)
                pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("acknowledgements_failed", error=type(error).__name__, messages=len(over))

    def restore_unacked_once(self, *args: Any, **kwargs: Any) -> None:
        """Acknowledge what was taken before the rest is given back."""
        self.flush()
        super().restore_unacked_once(*args, **kwargs)
