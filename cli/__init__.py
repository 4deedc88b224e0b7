"""The `roadmap` command: the supervisor of a local stack, and a client of the HTTP API."""
