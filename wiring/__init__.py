"""Where a process is put together: one list of what it has open, opened and closed in order."""
