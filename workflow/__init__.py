"""The domain: steps, engine, reviews, retries. Knows neither Celery nor HTTP servers nor Redis."""
