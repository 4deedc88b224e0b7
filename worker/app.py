"""The Celery instance, for `celery -A worker …`."""

from __future__ import annotations

import sys
from typing import Final

from celery import Celery, concurrency
from celery.bin.worker import worker as worker_command
from kombu.transport import TRANSPORT_ALIASES

from core.addresses import celery_options
from core.connection_budget import check_budget
from core.environment import leave_behind
from core.errors import SettingsError
from core.settings import get_settings
from core.wire_names import broker_options
from worker.known_pool import KnownPool

# Our threads pool under Celery's own name: `--pool threads` (the default) then honours the
# terminate button instead of failing on it.
concurrency.ALIASES["threads"] = "worker.pool:TaskPool"
# The default of `-P`. Celery's is prefork, and a `-P prefork` that was given is taken for it: with
# `worker_pool` in the configuration the worker would run threads without a word.
_pool = next(p for p in worker_command.params if p.name == "pool")
_pool.default = "threads"
_pool.type = KnownPool()

# kombu's transports, which judge what they read before Celery believes it.
TRANSPORT_ALIASES.update(
    redis="worker.intake.transport:Transport",
    rediss="worker.intake.transport:Transport",
    sentinel="worker.intake.transport:SentinelTransport",
    amqp="worker.intake.amqp:Transport",
    pyamqp="worker.intake.amqp:Transport",
    amqps="worker.intake.amqp:SSLTransport",
)

# What celeryconfig.py says for Redis that RabbitMQ does not know, or does better by itself.
RABBITMQ: Final = {
    "worker_disable_prefetch": False,  # the broker keeps to the prefetch count, which is one a slot
    "broker_transport_options": {"confirm_publish": True},  # a send that returns has arrived
    "broker_connection_timeout": 5,
    "broker_heartbeat": 20,  # a black-holed connection is noticed within 40 s
}

leave_behind()
app = Celery("roadmap")
app.config_from_object("celeryconfig")
try:
    check_budget(get_settings())
    told = celery_options(get_settings().broker)
    if told["broker_url"].startswith("amqp"):
        app.conf.update(RABBITMQ)
    told["broker_transport_options"] = {
        **app.conf.broker_transport_options,
        **told.get("broker_transport_options", {}),
        **broker_options(get_settings().redis_prefix, told["broker_url"]),
    }
    app.conf.update(told)
except SettingsError as error:
    sys.exit(f"roadmap-worker: {error}")
