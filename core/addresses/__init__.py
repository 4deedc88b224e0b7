"""The addresses of servers: one reader for each kind, used by everything that connects."""

from core.addresses.amqp import AmqpAddress
from core.addresses.broker import broker_address, celery_options
from core.addresses.http import proxy_for, shown
from core.addresses.postgres import PostgresAddress, postgres_address
from core.addresses.redis import RedisAddress, redis_address
from core.addresses.text import AddressError

__all__ = [
    "AddressError",
    "AmqpAddress",
    "PostgresAddress",
    "RedisAddress",
    "broker_address",
    "celery_options",
    "postgres_address",
    "proxy_for",
    "redis_address",
    "shown",
]
