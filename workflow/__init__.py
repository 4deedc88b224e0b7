"""The engine: a task's steps, leases, reviews, retries. Knows neither Celery nor HTTP nor Redis."""
