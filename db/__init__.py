"""PostgreSQL, where tasks are kept: engines, sessions, tables, and the two ways to commit."""
