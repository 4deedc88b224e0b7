"""The steps of a roadmap: one file each, a plain coroutine that sees only its context."""
