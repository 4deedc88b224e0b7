"""The HTTP API: thin routes over the workflow's use cases and read models."""

import roadmap_start.checked  # noqa: F401 - first: what follows might be another project's
