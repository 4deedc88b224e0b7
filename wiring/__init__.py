"""Where a process is put together: which parts it has, opened and closed in order."""
