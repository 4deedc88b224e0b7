"""Bounds: what one address, one user, one roadmap may take of what there is."""

from __future__ import annotations

from pydantic import BaseModel, Field

from core.settings.kinds import Count


class BoundSettings(BaseModel):
    """Bounds on connections."""

    api_max_connections: Count = Field(
        default=12_000, description="Open connections, streams included, per API process."
    )
    address_max_connections: int = Field(
        default=3_000,
        ge=0,
        description="Those of one address, per API process; trusted proxies are exempt. 0 is no"
        " limit.",
    )
    address_max_unfinished: int = Field(
        default=200,
        ge=0,
        description="Those of one address whose request is not complete, or that are kept alive"
        " between requests; one more closes the oldest. Trusted proxies are exempt. 0 is no limit.",
    )
