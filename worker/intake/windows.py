"""Looks at many messages where they lie, and takes out some of them, wherever these are by then.

Other than a sweep this needs no message to be the next one: the good ones stay in their order,
and nothing is outside Redis for a moment. What somebody else has taken meanwhile is not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_ONCE: Final = 500
LARGEST: Final = 16 * 1024
"""Bytes; larger ones are not looked at."""
_PART: Final = 20
_MOST_BYTES: Final = 2 * 1024 * 1024
"""Of what Redis holds twice for a moment."""
_SLACK: Final = 500
"""How far behind its place a message is looked for: given-back ones may lie before it."""

_LOOK: Final = """
local skip, most, largest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local part_size, most_bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
local found, looked, bytes = {}, 0, 0
while looked < most and bytes < most_bytes do
  local nearest = skip + looked + 1
  local part = redis.call('LRANGE', KEYS[1], -(nearest + part_size - 1), -nearest)
  for i = #part, 1, -1 do
    looked = looked + 1
    bytes = bytes + #part[i]
    if #part[i] <= largest then found[#found + 1] = part[i] end
  end
  if #part < part_size then break end
end
return {redis.call('LLEN', KEYS[1]), looked, found}
"""
_TAKE_OUT: Final = """
local taken = 0
for i = 2, #ARGV do
  if redis.call('LPOS', KEYS[1], ARGV[i], 'RANK', -1, 'MAXLEN', ARGV[1]) then
    taken = taken + redis.call('LREM', KEYS[1], -1, ARGV[i])
  end
end
return taken
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Some messages of a queue.

    Attributes:
        depth: How many messages the queue has.
        looked: How many of them are in this window, the large ones among them.
        messages: The others, the one that is read next first.
    """

    depth: int
    looked: int
    messages: Sequence[bytes]


def look(client: Any, key: str, *, skip: int) -> Window:
    """Return the next messages behind the first `skip` that will be read, as of one moment.

    Raises:
        RedisError: Redis is gone, or does not let us.
    """
    script = client.register_script(_LOOK)
    depth, looked, found = script(keys=[key], args=[skip, AT_ONCE, LARGEST, _PART, _MOST_BYTES])
    return Window(depth=int(depth), looked=int(looked), messages=found)


def take_out(client: Any, key: str, messages: Sequence[bytes], *, skip: int) -> int:
    """Take these messages out of the window; return how many were there still.

    Raises:
        RedisError: Redis is gone, or does not let us.
    """
    if not messages:
        return 0
    script = client.register_script(_TAKE_OUT)
    return int(script(keys=[key], args=[skip + AT_ONCE + _SLACK, *messages]))
