"""Clears keys of the broker that hold something else than a worker keeps there.

Whoever can write to Redis can put a text where a queue belongs. Then every command on it fails,
for every worker and every sender, until somebody removes it; so the worker that notices does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError, ResponseError

from core.logging import get_logger
from core.rejection import Reason
from worker.intake.aside import set_aside
from worker.intake.control import PIDBOX, REPLIES
from worker.intake.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

log = get_logger(__name__)

EVENTS: Final = "celeryev"
_CLEAR: Final = """
local found = redis.call('TYPE', KEYS[1])['ok']
if found == 'none' or found == ARGV[1] then return nil end
redis.call('UNLINK', KEYS[1])
return found
"""


def is_about_keys(error: BaseException) -> bool:
    """Tell whether Redis refused a command because of what a key holds."""
    return isinstance(error, ResponseError) and "WRONGTYPE" in str(error)


def clear_foreign(connection: Any, queues: Collection[str]) -> None:
    """Remove what stands in the way of our queues; what was there is named among the rejected.

    Args:
        connection: To the broker; its own, since the consumer's is about to be closed.
        queues: Names of the task queues.
    """
    try:
        with connection, connection.channel() as channel:
            if not hasattr(channel, "conn_or_acquire"):
                return  # no Redis
            with channel.conn_or_acquire() as client:
                clear = client.register_script(_CLEAR)
                for key, kind in _expected(channel, queues):
                    if found := clear(keys=[key], args=[kind]):
                        _tell(key, found.decode() if isinstance(found, bytes) else str(found))
    except (RedisError, *connection.connection_errors) as error:
        log.warning("foreign_keys_clearing_failed", error=type(error).__name__)


def _expected(channel: Any, queues: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield our keys in the broker, each with its type."""
    for queue in queues:
        for priority in channel.priority_steps:
            yield channel._q_for_pri(queue, priority), "list"  # noqa: SLF001 - kombu's own names
    yield channel.unacked_key, "hash"
    yield channel.unacked_index_key, "zset"
    yield channel.unacked_mutex_key, "string"
    yield channel.keyprefix_binding_deadlines, "zset"
    for exchange in (*queues, PIDBOX, REPLIES, EVENTS):
        yield channel.keyprefix_queue % exchange, "set"
        yield channel.keyprefix_binding_permanent % exchange, "set"


def _tell(key: str, found: str) -> None:
    log.warning("foreign_key_cleared", key=key, found=found)
    why = f"a {found} lay where a worker keeps its messages; it was removed"
    set_aside(key, RefusedError(Reason.ENVELOPE, why), queue=key[:200])
