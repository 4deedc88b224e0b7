"""The HTTP API: thin routes over the workflow's use cases and read models."""
