"""Bounds: what one address, one user, one roadmap may take of what there is."""

from __future__ import annotations

from pydantic import BaseModel, Field

from core.settings.kinds import Count, Limit, TokenLimit


class BoundSettings(BaseModel):
    """Bounds on connections and costs."""

    api_max_connections: Count = Field(
        default=12_000, description="Open connections, streams included, per API process."
    )
    address_max_connections: Limit = Field(
        default=3_000,
        description="Those of one address, per API process; trusted proxies are exempt. 0 is no"
        " limit.",
    )
    address_max_unfinished: Limit = Field(
        default=200,
        description="Those of one address whose request is not complete, or that are kept alive"
        " between requests; one more closes the oldest. Trusted proxies are exempt. 0 is no limit.",
    )
    user_tickets_per_minute: Limit = Field(
        default=3_000,
        description="Stream tickets of a user in a minute, which is as long as one is good; over"
        " all API processes, admins are exempt. 0 is no limit.",
    )
    max_concepts: Count = Field(
        default=300,
        description="Length of one roadmap: a longer design is cut off, an edit over it refused.",
    )
    user_max_tasks_per_day: Limit | None = Field(
        default=None,
        description="Tasks of a user in 24 hours; not given, 200 with AUTH=jwt, else no limit."
        " 0 is no limit.",
    )
    user_max_tokens_per_day: TokenLimit | None = Field(
        default=None,
        description="A user whose tasks of 24 hours used more gets no new one; not given,"
        " 20,000,000 with AUTH=jwt, else no limit. 0 is no limit.",
    )
    task_max_retries_per_day: Limit = Field(
        default=100,
        description="Retries and regenerations of a task in 24 hours. 0 is no limit.",
    )
    task_max_link_checks: Limit = Field(
        default=3_000,
        description="Addresses of resources that are looked up for a task, by each worker; more"
        " stay unverified. 0 is no limit.",
    )
    host_max_link_checks_per_minute: Limit = Field(
        default=60,
        description="Those looked up at one host in a minute, by each worker; more stay"
        " unverified. 0 is no limit.",
    )
