"""Ids, tags, cursors, and what is kept out of logs."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth import check_settings
from api.http import decode_cursor, encode_cursor, parse_id, versions_of
from api.middleware import WithoutQueries
from core.choices import AuthMode
from core.errors import InvalidRequestError, NotFoundError, SettingsError
from core.hosts import is_loopback
from core.settings import Settings


@given(st.uuids())
def test_cursors_come_back(key: object) -> None:
    """A cursor holds the id it was made from."""
    assert decode_cursor(encode_cursor(key)) == key  # type: ignore[arg-type]


@given(st.text(max_size=40))
def test_other_cursors_are_refused(text: str) -> None:
    """What is no cursor is an invalid request, never another error."""
    with suppress(InvalidRequestError):
        assert decode_cursor(text) is not None


@given(st.text(max_size=40))
def test_other_ids_are_not_found(text: str) -> None:
    """What is no id is not found, never another error."""
    with pytest.raises(NotFoundError):
        parse_id(text)


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (None, None),
        ("*", None),
        ('"3"', {3}),
        ('W/"3"', {3}),
        ('"x", "4"', {4}),
        ('"77", "4"', {4, 77}),
        ("5", {5}),
        ('"3-gzip"', {3}),
        ('W/"3--gzip", "4-br"', {3, 4}),
        ('"3-more"', set()),
        ('"x"', set()),
        ("", set()),
        ('"99999999999"', set()),
        ('"²"', set()),
    ],
)
def test_if_match_names_versions(header: str | None, versions: set[int] | None) -> None:
    """Each tag is a version, and any may match; one that none of ours can be never does."""
    assert versions_of(header) == versions


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("app.localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - it must be told apart
        ("192.168.1.2", False),
        ("::", False),
        ("example.org", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        (None, False),
    ],
)
def test_loopback_is_this_machine(host: str | None, local: bool) -> None:  # noqa: FBT001
    """Only names and addresses of this machine alone count as local."""
    assert is_loopback(host) is local


def test_local_mode_refuses_a_public_address() -> None:
    """`local` on an address that others can reach stops the start, and says what to do."""
    with pytest.raises(SettingsError, match="ROADMAP_AUTH=jwt"):
        check_settings(Settings(auth=AuthMode.LOCAL, api_host="10.0.0.1", _env_file=None))
    check_settings(Settings(auth=AuthMode.LOCAL, api_host="127.0.0.1", _env_file=None))


@pytest.mark.parametrize(
    "unsafe",
    [{"api_host": "10.0.0.1"}, {"trusted_proxies": "127.0.0.1"}, {"allowed_hosts": "a.example,*"}],
)
def test_none_mode_is_for_this_machine_only(unsafe: dict[str, Any]) -> None:
    """`none` stops the start where others could come in: an address, a proxy, any name."""
    with pytest.raises(SettingsError, match="ROADMAP_AUTH=jwt"):
        check_settings(Settings(auth=AuthMode.NONE, _env_file=None, **unsafe))
    check_settings(Settings(auth=AuthMode.NONE, allowed_hosts=("box.lan",), _env_file=None))


def test_jwt_mode_needs_a_secret() -> None:
    """`jwt` without a secret stops the start."""
    with pytest.raises(SettingsError, match="ROADMAP_AUTH_SECRET"):
        check_settings(Settings(auth=AuthMode.JWT, _env_file=None))


def test_queries_are_kept_out_of_server_logs() -> None:
    """The server's own lines lose what follows a question mark."""
    record = logging.LogRecord(
        "uvicorn.access",
        logging.INFO,
        "",
        0,
        '%s - "%s %s HTTP/%s" %d',
        ("127.0.0.1:1", "GET", "/stream?ticket=secret&after=1", "1.1", 200),
        None,
    )
    assert WithoutQueries().filter(record)
    assert record.getMessage() == '127.0.0.1:1 - "GET /stream HTTP/1.1" 200'
