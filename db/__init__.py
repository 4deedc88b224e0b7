"""The truth: engine cache, sessions, tables, and the two ways to commit."""
