"""The HTTP API: thin routes over the workflow's use cases and read models."""

import roadmap_start.checked  # noqa: F401 - first: what follows might be another project's
from roadmap_start.unneeded import import_without

import_without()  # before what follows imports them with all that they bring
