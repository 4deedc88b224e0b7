"""Keeps libraries from bringing along what they only use because it happens to be installed.

redis-py loads OpenTelemetry's SDK, for metrics that nobody asks it for; structlog loads rich, for
tracebacks that we draw ourselves. Each is a tenth of a second of every process's start. httpx loads
what colours the output of a command of its own: a tenth of a command of ours. All look whether the
other can be imported, and do without when it cannot. So it cannot for that moment: `None` in
`sys.modules` is Python's own way to say so.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVICES: Final = {"structlog": "rich", "redis": "opentelemetry"}
"""What each of our processes imports anyway, and what it would bring along."""
CLIENTS: Final = {"httpx": "pygments"}
"""The same for commands that ask the API."""


def import_without(bring: Mapping[str, str] = SERVICES) -> None:
    """Import libraries now, without what they would bring along.

    Args:
        bring: What each of them would.
    """
    for library, other in bring.items():
        if library not in sys.modules:
            with _hidden(other):
                import_module(library)


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let nobody import a package for a moment; what has been imported before stays."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # documented with `import`
    try:
        yield
    finally:
        del sys.modules[name]
