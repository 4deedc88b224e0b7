"""The SDK's client for a server: its address, query and key, nothing of the environment."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx2
import openai

from core.addresses import AddressError, proxy_for
from core.errors import SettingsError

_CONNECT_S: Final = 10.0
_AZURE: Final = (".azure.com", ".azure-api.net", ".azure.cn", ".azure.us")


def make_client(base_url: str, *, key: str, timeout_s: float) -> openai.AsyncOpenAI:
    """Return a client that makes one request where it is asked for one.

    Args:
        base_url: The server's address; its query goes along with every request.
        key: The API key, or a word where none is wanted.
        timeout_s: Limit of each read.
    """
    address, query = without_query(base_url)
    client = openai.AsyncOpenAI(
        base_url=address,
        api_key=key,
        # Given here, it also wins over an Authorization header in OPENAI_CUSTOM_HEADERS.
        default_headers=headers_for(base_url, key=key),
        default_query=dict(query),
        max_retries=0,
        timeout=openai.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
        # A redirect would send the learner's words to an address nobody has configured.
        http_client=openai.DefaultAsyncHttpxClient(
            follow_redirects=False,
            # what the environment says is looked at here: an address on this network has no proxy
            trust_env=False,
            proxy=proxy_of(base_url),
            verify=httpx2.create_ssl_context(trust_env=True),
        ),
    )
    # The SDK fills these from OPENAI_ORG_ID and OPENAI_PROJECT_ID, which belong to others.
    client.organization = client.project = None
    return client


def proxy_of(base_url: str) -> str | None:
    """Return the proxy for a server.

    Raises:
        SettingsError: The environment names one that cannot be used.
    """
    try:
        return proxy_for(base_url, os.environ)
    except AddressError as error:
        raise SettingsError(f"ROADMAP_LLM_BASE_URL {error}.") from None


def headers_for(base_url: str, *, key: str) -> dict[str, str]:
    """Return the headers that carry a key.

    Azure's older addresses want it in `api-key` and take a bearer token for something else, but
    look at that one only where there is no key.
    """
    headers = {"Authorization": f"Bearer {key}"}
    if _is_azure(base_url):
        headers["api-key"] = key
    return headers


def without_query(url: str) -> tuple[str, list[tuple[str, str]]]:
    """Return an address without its query, and the query."""
    parts = urlsplit(url)
    address = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    return address, parse_qsl(parts.query, keep_blank_values=True)


def _is_azure(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return (
        host.endswith(_AZURE)
        or "/openai/deployments/" in parts.path
        or "api-version" in parts.query
    )
