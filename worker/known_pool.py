"""Which pools of Celery's a worker can run in: its workflows need threads beside its event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from celery.bin.worker import WorkersPool

if TYPE_CHECKING:
    import click

_WITHOUT: Final = ("eventlet", "gevent", "custom")
"""Greenlets of one thread wait for an event loop that never gets its turn: such a worker takes no
task and does not end. `custom` names a class in a variable that is not for us."""


class KnownPool(WorkersPool):  # type: ignore[misc]  # Celery publishes no types
    """Celery's choice of a pool, without those in which no workflow would run."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the pool's class, as Celery does, or refuse it by name."""
        if value in _WITHOUT:
            self.fail(
                f"workflows do not run in {value!r}: they have an event loop of their own. Use"
                " 'threads', the default, or 'prefork'.",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)
