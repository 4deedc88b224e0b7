"""Quick questions to services: does an address, or a worker, answer?"""

from __future__ import annotations

import http.client
import logging
import urllib.error
import urllib.request
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from core.wire_names import broker_options

if TYPE_CHECKING:
    from collections.abc import Sequence

_HTTP_TIMEOUT_S: Final = 2.0
_HTTP_OK: Final = 200
CONNECT_S: Final = 2

# An opener of its own: a proxy from the environment must not be asked for our own machine.
DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http_ok(url: str, *, login: str | None = None) -> bool:
    """Tell whether a local address answers 200; `login` is `user:password` where it wants one."""
    headers = {}
    if login is not None:
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - an address of our own
    try:
        status, _ = answer_of(request, timeout_s=_HTTP_TIMEOUT_S)
    except (OSError, ValueError):
        return False
    return status == _HTTP_OK


def answer_of(request: urllib.request.Request | str, *, timeout_s: float) -> tuple[int, bytes]:
    """Return status and body of an answer, also of one that says no.

    Raises:
        OSError: There was none.
        ValueError: It was none of HTTP, or half-written.
    """
    try:
        with DIRECT.open(request, timeout=timeout_s) as response:
            return int(response.status), response.read()
    except urllib.error.HTTPError as error:
        with error:  # else its connection stays open
            return error.code, error.read()
    except http.client.HTTPException as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


class WorkerPing:
    """Asks Celery's workers over the broker, without loading our application.

    Args:
        broker_url: Where the workers listen.
        prefix: REDIS_PREFIX of the stack.
        timeout_s: How long to wait for those that do not answer.
    """

    def __init__(self, broker_url: str, *, prefix: str = "", timeout_s: float = 1.0) -> None:
        """Load Celery's client: half a second of imports, hence only when it is needed."""
        from celery import Celery

        from core.addresses import celery_options

        logging.getLogger("kombu").setLevel(logging.ERROR)
        self._timeout_s = timeout_s
        told = celery_options(broker_url)
        self._app = Celery("roadmap-ping", set_as_current=False)
        self._app.conf.update(
            accept_content=["json"],
            broker_connection_retry_on_startup=False,
            broker_connection_timeout=CONNECT_S,
            **told
            | {
                "broker_transport_options": broker_options(prefix, broker_url)
                | {
                    "socket_timeout": timeout_s + 2,
                    "socket_connect_timeout": CONNECT_S,
                    **told.get("broker_transport_options", {}),
                },
            },
        )

    def answering(self, names: Sequence[str] | None = None) -> set[str]:
        """Return the node names that answered, of those given or of all.

        Raises:
            OSError: The broker cannot be reached.
        """
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        try:
            replies: list[dict[str, Any]] = self._app.control.ping(
                destination=list(names) if names is not None else None, timeout=self._timeout_s
            )
        except (OperationalError, RedisError) as error:
            raise OSError(str(error)) from None
        return {name for reply in replies or [] for name in reply}

    def broker(self) -> str:
        """Connect once, and return what the broker says it is.

        Raises:
            OSError: It cannot be reached, or does not let us in.
        """
        from kombu.exceptions import KombuError

        with self._app.connection_for_read() as connection:
            try:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_S * 2)
                told = getattr(connection.connection, "server_properties", None) or {}
            except (KombuError, *connection.connection_errors) as error:
                raise OSError(str(error) or type(error).__name__) from None
        return " ".join(str(told.get(name, "")) for name in ("product", "version")).strip()

    def close(self) -> None:
        """Close the connections, which Celery's own `close` would leave open."""
        pool = self._app.pool  # it is any application's with the same address
        pool.resize(pool.limit, reset=True)
        self._app.close()
