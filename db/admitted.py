"""How many connections we may have: the server's limit, and our role's and our database's own."""

from __future__ import annotations

from typing import Final

ADMITTED: Final = """
    LEAST(
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0),
        (SELECT LEAST(nullif(us.rolconnlimit, -1), nullif(here.datconnlimit, -1))
         FROM pg_roles AS us, pg_database AS here
         WHERE us.rolname = session_user AND here.datname = current_database()
             AND NOT us.rolsuper)
    )
"""
"""An expression of SQL. What is kept for superusers and the like is nothing of ours, and nothing
else limits them."""
