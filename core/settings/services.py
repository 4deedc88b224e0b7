"""What we connect to: PostgreSQL, Redis, the broker."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr, field_validator

from core.addresses import broker_address, postgres_address, redis_address
from core.choices import Pooler
from core.settings.kinds import Count


class ServiceSettings(BaseModel):
    """Where the servers are that we need, and how many connections they may get."""

    database_url: SecretStr = Field(
        default=SecretStr("postgresql+asyncpg://roadmap:roadmap@127.0.0.1:5432/roadmap"),
        description="PostgreSQL, as postgresql://user:password@host:port/name"
        " ([more](OPERATIONS.md#addresses)).",
    )
    migration_database_url: SecretStr | None = Field(
        default=None,
        description="The same database as the role that owns the tables, for `roadmap db upgrade`;"
        " by default DATABASE_URL ([more](OPERATIONS.md#roles)).",
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
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis for live progress, also over TLS (rediss://), a socket (unix://) or"
        " Sentinels (redis+sentinel://).",
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="Redis or RabbitMQ (amqp://, amqps://) for Celery's messages; by default"
        " REDIS_URL.",
    )

    redis_prefix: str = Field(
        default="",
        pattern="^[A-Za-z0-9_.:-]{0,64}$",
        description="Put before all our keys and channels, so that stacks can share a Redis"
        " ([more](OPERATIONS.md#several-stacks)).",
    )

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _one_spelling(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(postgres_address(value.get_secret_value()).url)

    @field_validator("redis_url")
    @classmethod
    def _redis_in_one_spelling(cls, value: SecretStr) -> SecretStr:
        return SecretStr(redis_address(value.get_secret_value()).url)

    @field_validator("broker_url")
    @classmethod
    def _broker_in_one_spelling(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(broker_address(value.get_secret_value()).url)

    @property
    def broker(self) -> str:
        """Celery's broker address: BROKER_URL, else REDIS_URL."""
        return (self.broker_url or self.redis_url).get_secret_value()
