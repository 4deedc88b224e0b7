"""The addresses of servers: one reader for each kind, used by everything that connects."""

from core.addresses.postgres import PostgresAddress, postgres_address
from core.addresses.text import AddressError

__all__ = ["AddressError", "PostgresAddress", "postgres_address"]
