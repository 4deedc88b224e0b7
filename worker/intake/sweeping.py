"""Clears what no worker can take from the end of a queue, many at a time.

One message costs a round trip; a flood of thousands would keep the real ones waiting. So once a
message was refused the next ones are looked at where they lie, and those that are refused as well
are removed together. Only what was looked at is removed: another worker may be as quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE: Final = 100
ROUNDS: Final = 5
"""Then the worker's other business has its turn."""
LARGEST: Final = 16 * 1024
"""Bytes; larger ones are read one by one, as messages usually are."""

_LOOK: Final = """
local found = {}
local tail = redis.call('LRANGE', KEYS[1], -tonumber(ARGV[1]), -1)
for i = #tail, 1, -1 do
  if #tail[i] > tonumber(ARGV[2]) then break end
  found[#found + 1] = tail[i]
end
return found
"""
_REMOVE: Final = """
for i, expected in ipairs(ARGV) do
  if redis.call('LINDEX', KEYS[1], -1) ~= expected then return i - 1 end
  redis.call('RPOP', KEYS[1])
end
return #ARGV
"""


def sweep(client: Any, key: str, *, refuse: Callable[[bytes], Callable[[], None] | None]) -> None:
    """Remove refused messages from the end that is read next, up to the first good one.

    Args:
        client: Of the broker's Redis.
        key: The list.
        refuse: Returns what to do with a message once it is removed, None for a good one.

    Raises:
        RedisError: Redis is gone, or does not let us.
    """
    look, remove = client.register_script(_LOOK), client.register_script(_REMOVE)
    for _ in range(ROUNDS):
        refused: list[tuple[bytes, Callable[[], None]]] = []
        for message in look(keys=[key], args=[AT_ONCE, LARGEST]):
            if (set_aside := refuse(message)) is None:
                break
            refused.append((message, set_aside))
        if not refused:
            return
        removed = remove(keys=[key], args=[message for message, _ in refused])
        for _, set_aside in refused[:removed]:
            set_aside()
        if removed < AT_ONCE:
            return
