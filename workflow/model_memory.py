"""Keeps what was learned of servers and models in the database: one small row for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.models import ModelAbilities
from db.session import read_session, transaction
from llm.presets import base_url_of
from llm.turns import scope_of

if TYPE_CHECKING:
    from core.settings import Settings

MOST_ROWS: Final = 200
"""Whoever tries more models than that forgets the oldest."""


class DatabaseMemory:
    """The memory of the server and model that the settings name."""

    def __init__(self, settings: Settings) -> None:
        """Keep nothing yet."""
        self._scope = scope_of(settings)
        self._model = settings.llm_model[:200]
        parts = urlsplit(base_url_of(settings))
        # Addresses may carry credentials; a host does not, and it is only for people to read.
        self._server = f"{parts.scheme}://{parts.hostname}"[:200]

    async def read(self) -> tuple[Any, float] | None:
        """Return what was kept and its age in seconds, or None."""
        age = func.extract("epoch", func.now() - ModelAbilities.learned_at)
        query = select(ModelAbilities.abilities, age).where(ModelAbilities.scope == self._scope)
        async with read_session() as session:
            row = (await session.execute(query)).one_or_none()
        return None if row is None else (row[0], float(row[1]))

    async def write(self, learned: dict[str, Any]) -> None:
        """Keep this instead, and forget what is too old or too much."""
        values = {
            "server": self._server,
            "model": self._model,
            "abilities": learned,
            "learned_at": func.now(),
        }
        upsert = insert(ModelAbilities).values(scope=self._scope, **values)
        newest = (
            select(ModelAbilities.scope).order_by(ModelAbilities.learned_at.desc()).limit(MOST_ROWS)
        )
        async with transaction() as tx:
            await tx.session.execute(
                upsert.on_conflict_do_update(index_elements=["scope"], set_=values)
            )
            await tx.session.execute(
                delete(ModelAbilities).where(ModelAbilities.scope.not_in(newest))
            )
