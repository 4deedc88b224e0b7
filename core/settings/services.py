"""What we connect to: PostgreSQL, Redis, the broker."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr, field_validator

from core.addresses import postgres_address
from core.choices import Pooler
from core.settings.kinds import Count


class ServiceSettings(BaseModel):
    """Where the servers are that we need, and how many connections they may get."""

    database_url: SecretStr = Field(
        default=SecretStr("postgresql+asyncpg://roadmap:roadmap@127.0.0.1:5432/roadmap"),
        description="PostgreSQL, as postgresql://user:password@host:port/name"
        " ([more](OPERATIONS.md#addresses)).",
    )
    database_pooler: Pooler | None = Field(
        default=None,
        description="What stands between: nothing (`none`), or a pooler such as PgBouncer that"
        " lends out connections by `transaction`; not given, it is found out.",
    )
    database_max_connections: Count = Field(
        default=100, description="Connections that all our processes together may open."
    )
    database_processes: Count = Field(
        default=4,
        description="Processes that share that budget (workers and their children, beat, API).",
    )
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="Redis for live progress."
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="Redis or RabbitMQ (amqp://) for Celery's messages; REDIS_URL when not given.",
    )

    @field_validator("database_url")
    @classmethod
    def _one_spelling(cls, value: SecretStr) -> SecretStr:
        return SecretStr(postgres_address(value.get_secret_value()).url)

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        known = ("redis://", "rediss://", "unix://", "amqp://", "amqps://")
        if value and not value.get_secret_value().startswith(known):
            raise ValueError(
                "must begin with " + ", ".join(known[:-1]) + f" or {known[-1]}; for Redis with"
                " Sentinel give an address that leads to the primary, see deploy/haproxy.cfg"
            )
        return value

    @property
    def broker(self) -> str:
        """Celery's broker address: BROKER_URL, else REDIS_URL."""
        return (self.broker_url or self.redis_url).get_secret_value()
