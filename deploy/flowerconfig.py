"""Flower's settings in a container: its password comes from a file, as our secrets do."""

import os
from pathlib import Path

basic_auth = [Path(os.environ["FLOWER_BASIC_AUTH_FILE"]).read_text(encoding="utf-8").strip()]
max_tasks = 10_000  # in memory; the database is the history
