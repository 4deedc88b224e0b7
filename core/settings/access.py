"""The API: where it listens, who may call it, how client commands find it."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from core.choices import AuthMode
from core.hosts import is_host
from core.keys import weakness
from core.picture_hosts import HOST
from core.settings.kinds import ROOT_PATH, HttpAddress, LinkAddress, ListenHost, Positive

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@*\s]+", re.IGNORECASE | re.ASCII)
_USUAL_PORT: Final = re.compile(r"(http://.+):80|(https://.+):443")


class AccessSettings(BaseModel):
    """The API and its clients."""

    api_host: ListenHost = Field(default="127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(default=8000, ge=0, le=65535, description="Its port; 0 is any free one.")
    api_root_path: str = Field(
        default="",
        description="Sub-path at which a proxy shows the API and its pages, such as `/roadmaps`;"
        " a trusted proxy may also say it in `X-Forwarded-Prefix`.",
    )
    api_url: HttpAddress | None = Field(
        default=None, description="For client commands: the API to talk to."
    )
    token: SecretStr | None = Field(
        default=None, description="For client commands: the bearer token to use."
    )
    auth: AuthMode = Field(
        default=AuthMode.LOCAL,
        description="Who is let in: `local` wants a token or a signed-in browser and listens on"
        " this machine only, `jwt` wants the same and may listen anywhere, `none` takes every"
        " request from this machine for the admin `local`.",
    )
    auth_secret: SecretStr | None = Field(
        default=None,
        description="Signs and verifies bearer tokens (HS256): 32 characters or more, random."
        " `roadmap up` makes one of its own.",
    )
    auth_secret_previous: SecretStr | None = Field(
        default=None, description="Still verifies, while AUTH_SECRET is being changed."
    )
    auth_issuer: str | None = Field(
        default=None, description="When given, tokens must have it as `iss`."
    )
    auth_audience: str | None = Field(
        default=None, description="When given, tokens must have it as `aud`."
    )
    token_max_days: Positive = Field(
        default=90,
        le=3650,
        description="A token that is good for longer than so many days from now is refused.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks of the proxies before the API, separated by commas;"
        " what others say in X-Forwarded-… headers is refused.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Host names under which the API is asked, separated by commas, beside its own"
        " addresses; `.example.com` is all names below it, `*` is any.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins whose pages may call the API, separated by commas."
    )
    image_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts whose pictures are shown in texts, separated by commas, as in"
        " `upload.wikimedia.org`; `.example.com` is all names below it. A picture tells its host"
        " who reads what and when, so those of all other hosts are links.",
    )
    flower_url: LinkAddress | None = Field(
        default=None,
        description="Flower's address, or its path behind the same proxy, for a link on the"
        " operations page.",
    )

    @field_validator("api_root_path")
    @classmethod
    def _sub_path(cls, value: str) -> str:
        value = value.rstrip("/")
        if value and not ROOT_PATH.fullmatch(value):
            raise ValueError("must begin with a slash and have only letters, digits and . _ ~ -")
        return value

    @field_validator(
        "cors_origins", "trusted_proxies", "allowed_hosts", "image_hosts", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("auth_secret", "auth_secret_previous")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        reason = None if value is None else weakness(value.get_secret_value())
        if reason is not None:
            raise ValueError(reason)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not (origin.isascii() and _ORIGIN.fullmatch(origin)):
                raise ValueError(
                    f"{origin!r} is no origin: it begins with http:// or https:// and ends with"
                    " the host or its port, as in http://localhost:3000; `*` stands alone, and"
                    " names in other scripts begin with xn--"
                )
        return tuple(_as_sent(origin) for origin in value)

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        named = tuple(host[1:] if host.startswith("*.") else host for host in value)
        for host in named:
            if host != "*" and not is_host(host.removeprefix(".")):
                raise ValueError(
                    f"{host!r} is no host: it is a name or an address without https://, port and"
                    " path, as in roadmaps.example.com; .example.com is all names below it, and"
                    " names in other scripts begin with xn--"
                )
        return named

    @field_validator("image_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not HOST.fullmatch(host):
                raise ValueError(
                    f"{host!r} is no host of pictures: it is a name as it stands in addresses,"
                    " without https:// and without a path, as in upload.wikimedia.org or"
                    " .example.com; names in other scripts begin with xn--"
                )
        return tuple(host.lower() for host in value)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise ValueError(
                    f"{network!r} is neither an address nor a network such as 10.0.0.0/8"
                ) from None
        return value


def _as_sent(origin: str) -> str:
    """Return an origin as browsers send it: in lower case, and without its scheme's own port."""
    plain = origin.lower()
    usual = _USUAL_PORT.fullmatch(plain)
    return plain if usual is None else usual[1] or usual[2]
