"""`roadmap api --host 127.0.0.1 --port 8000`: the API under uvicorn."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from api.protocols import BoundedHttp
from api.websockets import WS_MESSAGE_BYTES, BoundedWebSocket
from core.errors import SettingsError
from core.numbers import in_words
from roadmap_start.garbage import settle

if TYPE_CHECKING:
    from fastapi import FastAPI

    from core.settings import Settings

HIGHEST_PORT: Final = 65535
GRACE_S: Final = 10
"""Requests under way have this long when the server stops."""
DEAD_PEER_MS: Final = 30_000
"""A peer that acknowledges nothing for so long is gone: its socket is closed."""
WS_PING_S: Final = 20
"""How often a WebSocket is asked whether somebody is there, and how long the answer may take."""
DESCRIBED_AFTER_S: Final = 10.0
KEEP_ALIVE_S: Final = 5
"""A connection without a request is closed after that."""
SERVER: Final[dict[str, Any]] = {
    "access_log": False,  # the middleware writes it, without query strings
    "log_config": None,  # one formatter for everything: core.logging
    "timeout_graceful_shutdown": GRACE_S,
    "ws_per_message_deflate": False,  # costs 44 KB a viewer, and our events are small
    "http": BoundedHttp,
    "ws": BoundedWebSocket,
    "ws_max_size": WS_MESSAGE_BYTES,
    "timeout_keep_alive": KEEP_ALIVE_S,
    "ws_ping_interval": WS_PING_S,
    "ws_ping_timeout": WS_PING_S,
    "server_header": False,
    "proxy_headers": False,  # `api.gate` decides which proxy is believed
}


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    from core.environment import leave_behind
    from core.settings import get_settings

    for each in leave_behind():
        sys.stderr.write(f"{each}.\n")
    try:
        settings = get_settings()
        arguments = _arguments(settings)
        # the application checks its settings: they must say where it really listens
        os.environ["ROADMAP_API_HOST"] = arguments.host
        os.environ["ROADMAP_API_PORT"] = str(arguments.port)
        os.environ["ROADMAP_API_ROOT_PATH"] = arguments.root_path
        get_settings.cache_clear()
        _serve(get_settings().api_host, arguments.port, pid_file=arguments.pid_file)
    except SettingsError as error:
        sys.exit(error.message)


def _arguments(settings: Settings) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="roadmap api", description=__doc__)
    parser.add_argument(
        "--host", default=settings.api_host, help="address to listen on (%(default)s)"
    )
    parser.add_argument(
        "--port", default=settings.api_port, type=_port, help="0 is any free one (%(default)s)"
    )
    parser.add_argument(
        "--root-path", default=settings.api_root_path, help="sub-path at which a proxy shows it"
    )
    parser.add_argument("--pid-file", type=Path, help="gets our process id as soon as we listen")
    return parser.parse_args()


def _port(text: str) -> int:
    """Return a port as it was given on the command line."""
    port = int(text) if text.strip().isdecimal() else -1
    if not 0 <= port <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(
            f"{text!r}: give {in_words(int, least=0, most=HIGHEST_PORT)}; 0 is any free one"
        )
    return port


def _serve(host: str, port: int, *, pid_file: Path | None = None) -> None:
    import uvicorn

    from api.app import create_app
    from api.server import Server

    _allow_many_files()
    app = create_app()
    _describe_later(app)
    config = uvicorn.Config(app, host=host, port=port, **SERVER)
    listener = _listen(host, port)
    if pid_file is not None:  # tells the supervisor that it is us who listens here
        pid_file.write_text(f"{os.getpid()}\n", encoding="ascii")
    settle()  # what was imported stays: nobody has to look at it again
    Server(config).run(sockets=[listener])


def _describe_later(app: FastAPI) -> None:
    """Compute what nobody's request shall wait for, once the start of all processes is over."""
    timer = threading.Timer(DESCRIBED_AFTER_S, app.openapi)
    timer.daemon = True
    timer.start()


def _allow_many_files() -> None:
    """Open as many files as the system lets us: each viewer is one, and 1,024 are soon used."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS refuses "unlimited"
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted sockets inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
    listener.set_inheritable(True)
    return listener


if __name__ == "__main__":
    main()
