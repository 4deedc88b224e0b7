"""Celery's tasks: adapters between deliveries and the workflow, upkeep, and the doorbell."""

from tasks import flower, maintenance, roadmap, wiring
from tasks.dispatch import install_bell

__all__ = ["flower", "install_bell", "maintenance", "roadmap", "wiring"]
