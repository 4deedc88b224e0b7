"""The API: where it listens, who may call it, how client commands find it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from core.choices import AuthMode


class AccessSettings(BaseModel):
    """The API and its clients."""

    api_host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(default=8000, ge=0, le=65535, description="Its port; 0 is any free one.")
    api_url: str | None = Field(
        default=None, description="For client commands: the API to talk to."
    )
    token: SecretStr | None = Field(
        default=None, description="For client commands: the bearer token to use."
    )
    auth: AuthMode = Field(
        default=AuthMode.LOCAL,
        description="Without a token a request is the admin `local` (`local`), or refused (`jwt`).",
    )
    auth_secret: SecretStr | None = Field(
        default=None, description="Signs and verifies bearer tokens (HS256); 32 characters or more."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins whose pages may call the API, separated by commas."
    )
    flower_url: str | None = Field(
        default=None, description="Flower's address, for a link on the operations page."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("auth_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:  # noqa: PLR2004 - RFC 7518 §3.2
            raise ValueError("must have 32 characters or more")
        return value
