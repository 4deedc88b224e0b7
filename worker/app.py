"""The Celery instance, for `celery -A worker …`."""

from __future__ import annotations

import sys

from celery import Celery, concurrency
from celery.bin.worker import worker as worker_command

from core.errors import SettingsError
from core.settings import get_settings

# Our threads pool under Celery's own name: `--pool threads` (the default) then honours the
# terminate button instead of failing on it.
concurrency.ALIASES["threads"] = "worker.pool:TaskPool"
# The default of `-P`. Celery's is prefork, and a `-P prefork` that was given is taken for it: with
# `worker_pool` in the configuration the worker would run threads without a word.
next(p for p in worker_command.params if p.name == "pool").default = "threads"

app = Celery("roadmap")
app.config_from_object("celeryconfig")
try:
    app.conf.broker_url = get_settings().broker
except SettingsError as error:
    sys.exit(f"roadmap-worker: {error}")
