"""For admins: taking credentials back before their end."""

import time
from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.auth import admin_actor
from api.composition import services_of
from api.problems import documented
from core.settings import get_settings
from core.tokens import DAY_S, LONGEST_NAME
from db.repositories.revocations import load_denied, revoke_token, revoke_user

router = APIRouter(
    prefix="/admin", tags=["admin"], dependencies=[Depends(admin_actor)], responses=documented(403)
)

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00]+$")
]


class RevocationRequest(BaseModel):
    """What to take back: one token, or all tokens of a user that exist by now."""

    model_config = ConfigDict(extra="forbid")

    token_id: Name | None = Field(None, description="The token's `jti`.")
    user_id: Name | None = Field(None, description="The tokens' `sub`.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.token_id is None) == (self.user_id is None):
            raise ValueError("give either `token_id` or `user_id`")
        return self


class RevocationList(BaseModel):
    """What is refused at this moment."""

    tokens: list[str] = Field(description="Ids (`jti`) of tokens.")
    users: dict[str, datetime] = Field(
        description="By user, until when tokens were made that are refused."
    )


@router.get(
    "/revocations", operation_id="listRevocations", summary="Credentials that were taken back"
)
async def revocations() -> RevocationList:
    """Return the tokens and users that are refused before their tokens end."""
    return await _listed()


@router.post(
    "/revocations",
    operation_id="revokeCredentials",
    summary="Take credentials back",
    status_code=201,
)
async def revoke(request: Request, wanted: RevocationRequest) -> RevocationList:
    """Refuse a token, or what a user has by now; streams that were opened with it end."""
    now = time.time()
    over_at = now + get_settings().token_max_days * DAY_S
    if wanted.token_id is not None:
        await revoke_token(wanted.token_id, expires_at=over_at)
    elif wanted.user_id is not None:
        await revoke_user(wanted.user_id, made_before=now, expires_at=over_at)
    answer = await _listed()
    await services_of(request).denied.refresh()
    return answer


async def _listed() -> RevocationList:
    denied = await load_denied()
    return RevocationList(
        tokens=sorted(denied.tokens),
        users={user: datetime.fromtimestamp(at, UTC) for user, at in sorted(denied.users.items())},
    )
