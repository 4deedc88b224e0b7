"""The deny-list: what is refused before its end, for every process that checks credentials."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.models import Revocation
from db.session import read_session, transaction

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Denied:
    """What is refused.

    Attributes:
        tokens: Ids (`jti`) of tokens.
        users: By user, until when tokens were made that are refused (Unix seconds).
    """

    tokens: frozenset[str] = frozenset()
    users: Mapping[str, float] = field(default_factory=dict)

    def denies(self, *, user: str, issued_at: float | None, token_id: str | None) -> bool:
        """Tell whether a token is refused; one that does not say when it was made is old."""
        if token_id is not None and token_id in self.tokens:
            return True
        made_before = self.users.get(user)
        return made_before is not None and (issued_at is None or issued_at <= made_before)


async def load_denied() -> Denied:
    """Return all that is refused at this moment."""
    wanted = select(Revocation.kind, Revocation.name, Revocation.made_before).where(
        Revocation.kind != "code", Revocation.expires_at > func.now()
    )
    async with read_session() as session:
        rows = (await session.execute(wanted)).all()
    return Denied(
        tokens=frozenset(name for kind, name, _ in rows if kind == "token"),
        users={name: before.timestamp() for kind, name, before in rows if before is not None},
    )


async def revoke_token(token_id: str, *, expires_at: float) -> None:
    """Refuse one token until its end."""
    await _put("token", token_id, expires_at=expires_at)


async def revoke_user(user: str, *, made_before: float, expires_at: float) -> None:
    """Refuse all tokens of a user that were made until then."""
    await _put("user", user, expires_at=expires_at, made_before=_moment(made_before))


async def burn_code(code: str, *, expires_at: float) -> bool:
    """Use a sign-in code; return whether it had not been used before."""
    async with transaction() as tx:
        made = insert(Revocation).values(
            kind="code",
            name=hashlib.sha256(code.encode()).hexdigest(),
            expires_at=_moment(expires_at),
        )
        done = await tx.session.execute(
            made.on_conflict_do_nothing().returning(Revocation.created_at)
        )
        return done.first() is not None


async def purge_revocations() -> int:
    """Forget what has ended by itself; return how many."""
    async with transaction() as tx:
        gone = delete(Revocation).where(Revocation.expires_at < func.now())
        done = await tx.session.execute(gone.returning(Revocation.name))
        return len(done.all())


async def _put(
    kind: str, name: str, *, expires_at: float, made_before: datetime | None = None
) -> None:
    until = _moment(expires_at)
    row = insert(Revocation).values(kind=kind, name=name, expires_at=until, made_before=made_before)
    later = {
        "expires_at": func.greatest(Revocation.expires_at, row.excluded.expires_at),
        "made_before": func.greatest(Revocation.made_before, row.excluded.made_before),
    }
    async with transaction() as tx:
        await tx.session.execute(
            row.on_conflict_do_update(index_elements=["kind", "name"], set_=later)
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
