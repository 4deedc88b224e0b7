"""What a stack's database keeps of how a language model's server wants to be asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from core.settings import Settings

_TIMEOUT_S: Final = 2.0
_READ_SQL: Final = """
    SELECT abilities::text, extract(epoch FROM now() - learned_at)::float
    FROM model_abilities WHERE scope = $1
"""


class LearnedBefore:
    """Reads what workers learned, without the engine and without keeping anything."""

    def __init__(self, settings: Settings, *, database_url: str) -> None:
        """Connect nothing yet."""
        self._settings = settings
        self._url = database_url

    async def read(self) -> tuple[Any, float] | None:
        """Return what was kept and its age in seconds, or None."""
        from core.addresses import postgres_address
        from db.connecting import APPLICATION, open_connection
        from llm.turns import scope_of

        address = postgres_address(self._url)
        connection, _ = await open_connection(
            address,
            session={"application_name": APPLICATION, **address.server_settings},
            pooler=self._settings.database_pooler,
            connect_timeout_s=_TIMEOUT_S,
            command_timeout_s=_TIMEOUT_S,
        )
        try:
            row = await connection.fetchrow(_READ_SQL, scope_of(self._settings))
        finally:
            await connection.close(timeout=_TIMEOUT_S)
        return None if row is None else (json.loads(row[0]), row[1])

    async def write(self, learned: dict[str, Any]) -> None:
        """Keep nothing: the doctor only looks."""
