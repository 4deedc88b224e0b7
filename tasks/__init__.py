"""Celery's tasks: adapters between deliveries and the workflow, upkeep, and the doorbell."""
