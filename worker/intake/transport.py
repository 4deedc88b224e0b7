"""kombu's Redis transports, judging what they read before they believe any of it.

kombu takes whatever lies in a list for a message of its own. Here each item is opened, judged, and
passed on in an envelope made anew; what is refused is set aside. For that nothing is written to
Redis, so that thousands of messages are through in a second.
"""

from __future__ import annotations

import time
import uuid
from functools import partial
from queue import Empty
from typing import TYPE_CHECKING, Any, Final

from kombu.transport import redis
from kombu.utils.encoding import bytes_to_str
from redis.exceptions import RedisError, ResponseError

from core.logging import get_logger
from core.rejection import Reason
from worker.app import app
from worker.intake.aside import set_aside
from worker.intake.control import check_control
from worker.intake.envelope import checked, incoming, open_envelope, parse, sealed
from worker.intake.fetching import MOST, QUICK_S, SHARE, GatheringQoS, fetch
from worker.intake.message import judge
from worker.intake.refusal import RefusedError, unforeseen
from worker.intake.sweeping import sweep
from worker.runtime import known

if TYPE_CHECKING:
    from collections.abc import Callable

log = get_logger(__name__)

TASK_QUEUES: Final = frozenset(queue.name for queue in app.conf.task_queues)
_KEPT_PARTS: Final = 3


class QoS(GatheringQoS):
    """Keeps what was fetched and not yet acknowledged, so that it outlives this process."""

    def renew(self) -> None:
        """Say that we still live: what nobody renews for the visibility time-out comes back."""
        held = [tag for tag in list(self._delivered) if tag not in self._dirty]
        if held:
            now = time.time()
            with self.channel.conn_or_acquire() as client:
                client.zadd(self.unacked_index_key, dict.fromkeys(held, now), xx=True)

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """Put one message back into its queue; one that cannot be read is set aside."""

        def restore(pipe: Any) -> None:
            kept = pipe.hget(self.unacked_key, tag)
            pipe.multi()
            self._remove_from_indices(tag, pipe)
            if kept and (envelope := _kept(kept)):
                queue = envelope["properties"]["delivery_info"]["routing_key"]
                self.channel._do_restore_message(envelope, "", queue, pipe, leftmost)  # noqa: SLF001 - as kombu's does

        with self.channel.conn_or_acquire(client) as connected:
            connected.transaction(restore, self.unacked_key)


def _kept(kept: bytes | str) -> dict[str, Any] | None:
    try:
        return _fetched(parse(kept))
    except RefusedError as refused:
        set_aside(kept, refused, queue="unacked")
        return None


def _fetched(parts: Any) -> dict[str, Any]:
    if not isinstance(parts, list) or len(parts) != _KEPT_PARTS:
        raise RefusedError(Reason.ENVELOPE, "it is none that a worker had fetched")
    envelope = checked(parts[0])
    if parts[2] in TASK_QUEUES:  # one that was taken with others is noted as its sender made it
        envelope["properties"]["delivery_info"] = {"exchange": "", "routing_key": parts[2]}
    if envelope["properties"]["delivery_info"]["routing_key"] not in TASK_QUEUES:
        raise RefusedError(Reason.ENVELOPE, "it belongs to none of our queues")
    return envelope


class Judging:
    """What both kinds of channels do differently from kombu's."""

    QoS = QoS
    judges = True
    """The consumer need not judge again."""
    fetched = 0
    """Messages that were read, of all queues."""
    room: Callable[[], int] = staticmethod(lambda: 0)
    """Tells how many messages may be fetched; set by who consumes."""
    _read_at = 0.0
    _kept: Any = None
    """The client for what is done at once; its connections are the pool's."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        """Ask whether Redis is there, and close the connection that asked."""
        super().__init__(*args, **kwargs)
        self.async_pool.disconnect()  # most channels of a worker never use it again

    def _create_client(self: Any, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 - kombu's signature
        """Return one client for all: kombu makes one for each acknowledgement and each event."""
        if asynchronous:  # it holds on to the connection on which it waits
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # of a mixin
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[misc]  # ditto
        return self._kept

    @property
    def waits(self: Any) -> bool:
        """Whether it waits for a message: if none comes there was none in any of the lists."""
        return bool(self._in_poll) and self.qos.can_consume()

    def _brpop_read(self: Any, **options: Any) -> bool:
        try:
            try:
                reply = self.client.parse_response(self.client.connection, "BRPOP", **options)
            except self.connection_errors:
                # the next round reconnects
                self.client.connection.disconnect()
                raise
            if not reply:
                raise Empty
            key, item = reply
            self.fetched += 1
            queue = bytes_to_str(key).rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            envelope = _opened(item, queue=queue)
            if envelope is None:
                self._sweep(bytes_to_str(key), queue)
                raise Empty
            try:
                self.connection._deliver(envelope, queue)  # noqa: SLF001 - as kombu's does
            except ResponseError:
                # it was not noted as fetched, so without this it would be lost
                self._put_back(bytes_to_str(key), item)
                raise
            if queue in TASK_QUEUES and time.monotonic() - self._read_at < QUICK_S:
                self._take_more(bytes_to_str(key), queue)
            self._read_at = time.monotonic()
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _take_more(self: Any, key: str, queue: str) -> None:
        """Deliver what waits behind a message, too."""
        most = min(self.room() // SHARE, MOST) if self.qos.can_consume() else 0
        if most <= 0:
            return
        tags = [str(uuid.uuid4()) for _ in range(most)]
        try:
            items = fetch(self, key, queue=queue, tags=tags)
        except (RedisError, OSError) as error:  # they are read one by one then
            log.debug("fetch_of_many_failed", error=type(error).__name__)
            return
        self.fetched += len(items)
        for tag, item in zip(tags, items, strict=False):
            envelope = _opened(item, queue=queue, tag=tag)
            if envelope is None:
                self.qos.forget(tag)
            else:
                self.qos.noted.add(tag)
                self.connection._deliver(envelope, queue)  # noqa: SLF001 - as kombu's does

    def _sweep(self: Any, key: str, queue: str) -> None:
        def refuse(item: bytes) -> Callable[[], None] | None:
            refused = _judged(item, queue=queue)[1]
            return None if refused is None else partial(set_aside, item, refused, queue=queue)

        try:
            with self.conn_or_acquire() as client:
                sweep(client, key, refuse=refuse)
        except RedisError as error:  # they are read one by one then
            log.debug("queue_sweep_failed", error=type(error).__name__)

    def _put_back(self: Any, key: str, item: bytes) -> None:
        try:
            with self.conn_or_acquire() as client:
                client.rpush(key, item)
        except RedisError as error:
            log.warning("message_restore_failed", error=type(error).__name__)

    def _get(self: Any, queue: str) -> dict[str, Any]:
        with self.conn_or_acquire() as client:
            for priority in self.priority_steps:
                if item := client.rpop(self._q_for_pri(queue, priority)):
                    self._maybe_update_queues_expire(client, queue)
                    if envelope := _opened(item, queue=queue):
                        return envelope
                    raise Empty
            self._maybe_update_queues_expire(client, queue)
        raise Empty

    def _receive_one(self: Any, subscription: Any) -> bool | None:
        try:
            response = subscription.parse_response()
        except self.connection_errors:
            self._in_listen = None
            raise
        if not isinstance(response, list | tuple):
            return None
        heard = self._handle_message(subscription, response)
        if not bytes_to_str(heard["type"]).endswith("message") or not heard["data"]:
            return None
        channel = heard["channel"]
        channel = channel if isinstance(channel, str) else channel.decode(errors="replace")
        if channel[:1] == "/":
            channel = channel.partition(".")[2]
        exchange = channel.split("/", 1)[0]
        if exchange not in self._fanout_to_queue:
            return None
        try:
            envelope = open_envelope(heard["data"])
            check_control(incoming(envelope), exchange=exchange)
        except RefusedError as refused:
            set_aside(heard["data"], refused, queue=exchange)
            raise Empty from None
        except Exception as error:
            log.exception("message_check_failed", queue=exchange)
            set_aside(heard["data"], unforeseen(error), queue=exchange)
            raise Empty from None
        delivered: bool = self._deliver_fanout_message(envelope, exchange)
        return delivered


def _opened(item: bytes, *, queue: str, tag: str | None = None) -> dict[str, Any] | None:
    """Return the envelope of a message that can be taken; set others aside."""
    envelope, refused = _judged(item, queue=queue, tag=tag)
    if refused is not None:
        set_aside(item, refused, queue=queue)
    return envelope


def _judged(
    item: bytes, *, queue: str, tag: str | None = None
) -> tuple[dict[str, Any] | None, RefusedError | None]:
    """Return the envelope that kombu shall go on with, or why there is none."""
    try:
        envelope = open_envelope(item)
        message = incoming(envelope)
        if queue in TASK_QUEUES:
            return sealed(judge(message, known), envelope, queue=queue, tag=tag), None
        check_control(message, exchange=queue)
    except RefusedError as refused:
        return None, refused
    except Exception as error:
        # nothing of it has been acknowledged anywhere: what raises here would end the worker
        log.exception("message_check_failed", queue=queue)
        return None, unforeseen(error)
    return envelope, None


class Channel(Judging, redis.Channel):  # type: ignore[misc]  # kombu publishes no types
    """To one Redis."""


class Transport(redis.Transport):  # type: ignore[misc]  # ditto
    """For `redis://` and `rediss://`."""

    Channel = Channel


class SentinelChannel(Judging, redis.SentinelChannel):  # type: ignore[misc]  # ditto
    """To the one that Sentinel names."""


class SentinelTransport(redis.SentinelTransport):  # type: ignore[misc]  # ditto
    """For `sentinel://`."""

    Channel = SentinelChannel
