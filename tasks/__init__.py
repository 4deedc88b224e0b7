"""Celery's tasks: adapters between deliveries and the workflow, upkeep, and the doorbell."""

from tasks import maintenance, roadmap, wiring
from tasks.dispatch import install_bell

__all__ = ["install_bell", "maintenance", "roadmap", "wiring"]
