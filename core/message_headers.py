"""Names of the headers by which our processes tell each other where a message comes from."""

from __future__ import annotations

from typing import Final

REQUEST_ID: Final = "request_id"
"""Header with the id of the HTTP request that asked for the delivery, for the logs."""
RUNG_AT: Final = "rung_at"
"""Header with the database's time at which the row was marked as rung."""
