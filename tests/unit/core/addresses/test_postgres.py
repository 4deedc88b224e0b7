"""PostgreSQL's address: whatever another tool accepts works, or is refused with a reason."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import AddressError, postgres_address
from core.addresses.postgres_tls import tls_arguments
from db.connecting import arguments

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgres://u:p@h/d", "u:p@h:5432/d"),
        ("postgresql+asyncpg://u:p@h/d", "u:p@h:5432/d"),
        ("postgresql+psycopg2://u:p@h/d", "u:p@h:5432/d"),
        ("POSTGRESQL://u:p@H/d", "u:p@H:5432/d"),
        (' "postgres://u:p@h/d"\n', "u:p@h:5432/d"),
        ("psql 'postgresql://u:p@h/d?sslmode=require'", "u:p@h:5432/d?sslmode=require"),
        ("\ufeffpostgres://u:p@h/d", "u:p@h:5432/d"),
        ("postgresql://u:p@h", "u:p@h:5432/u"),
        ("postgresql://u:p@[::1]:54/d", "u:p@[::1]:54/d"),
        ("postgresql://u:p@a:1,b,[::2]:3/d", "u:p@a:1,b:5432,[::2]:3/d"),
        ("postgresql://u@%2Fvar%2Frun/d", "u@%2Fvar%2Frun:5432/d"),
        ("postgresql://u:p@/d?host=/var/run&port=77", "u:p@%2Fvar%2Frun:77/d"),
        ("postgresql:///d?host=a,b&port=1,2&user=u&password=p", "u:p@a:1,b:2/d"),
        ("postgresql://u@corp:p@h/d", "u%40corp:p@h:5432/d"),
        ("postgresql://u:p@h/d?application_name=a@b", "u:p@h:5432/d?application_name=a%40b"),
        ("postgresql://u:p@h/d?channel_binding=require", "u:p@h:5432/d"),
    ],
)
def test_spellings(given: str, url: str) -> None:
    """Every usual spelling becomes the one that all parts of the program read alike."""
    assert postgres_address(given).url == f"postgresql+asyncpg://{url}"
    assert postgres_address(postgres_address(given).url) == postgres_address(given)


@pytest.mark.parametrize(
    "password",
    [
        "p@ss",
        "p/w",
        "p#w",
        "p?w",
        "p?a=b",
        "[x]",
        "a:b",
        "100%",
        "p%w",
        "ä ß",
        "p w",
        "a&b=c",
        "{$}",
    ],
)
def test_raw_passwords_in_one_reading(password: str) -> None:
    """A password with raw characters works where only one reading makes sense."""
    address = postgres_address(f"postgresql://u:{password}@h:1/d?sslmode=require")
    assert (address.user, address.password, address.hosts) == ("u", password, (("h", 1),))


@given(password=st.text(min_size=1, max_size=40))
def test_encoded_passwords_always_work(password: str) -> None:
    """Whatever a password is made of, percent-encoded it arrives as it is."""
    try:
        password.encode()
    except UnicodeEncodeError:
        return
    address = postgres_address(f"postgresql://u:{quote(password, safe='')}@h/d")
    assert address.password == password
    assert postgres_address(address.url).password == password


@given(password=st.text(min_size=8, max_size=30))
def test_no_part_of_a_password_is_told(password: str) -> None:
    """A raw password either works as it is, or no piece of it stands in the message."""
    try:
        address = postgres_address(f"postgresql://user:{password}@db.example:5432/name")
    except AddressError as refused:
        said = str(refused)
    else:
        assert address.password is not None
        assert address.hosts == (("db.example", 5432),)
        return
    pieces = (password[at : at + 5] for at in range(len(password) - 4))
    assert not any(piece in said and piece.isalnum() for piece in pieces)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (f"jdbc:postgresql://h/d?password={SECRET}", "JDBC"),
        (f"host=h password={SECRET}", "keywords"),
        (f"mysql://u:{SECRET}@h/d", "must begin with postgresql://"),
        (f"u:{SECRET}@h/d", "must begin"),
        (f"postgresql+odbc://u:{SECRET}@h/d", "driver"),
        ("   ", "empty"),
        (f"postgresql://u:{SECRET}\n@h/d", "line break"),
        (f"postgresql://u:{SECRET}@h:port/d", "port"),
        (f"postgresql://u:{SECRET}@h:70000/d", "port"),
        (f"postgresql://u:{SECRET}@::1/d", "brackets"),
        (f"postgresql://u:{SECRET}%41%zz@h/d", "neither encoded"),
        (f"postgresql://u:{SECRET}%ff@h/d", "UTF-8"),
        (f"postgresql://u:{SECRET}@h/d#x", "# after the host"),
        (f"postgresql://u:{SECRET}@h/d?sslmod=require", "sslmod; did you mean sslmode"),
        (f"postgresql://u:{SECRET}@h/d?unheard=1", "unknown parameter unheard"),
        (f"postgresql://u:{SECRET}@h/d?connection_limit=5", "DATABASE_MAX_CONNECTIONS"),
        (f"postgresql://u:{SECRET}@h/d?service=x", "service"),
        (f"postgresql://u:{SECRET}@h/d?sslmode=always", "verify-full"),
        (f"postgresql://u:{SECRET}@h/d?sslmode=require&sslrootcert=system", "verify-full"),
        (f"postgresql://u:{SECRET}@h/d?sslmode=verify-full&sslrootcert=/no/file", "/no/file"),
        (f"postgresql://u:{SECRET}@h/d?sslnegotiation=direct", "sslmode=require"),
        (f"postgresql://u:{SECRET}@h/d?connect_timeout=soon", "connect_timeout"),
        (f"postgresql://u:{SECRET}@h/d?target_session_attrs=best", "primary"),
        (f"postgresql://u:{SECRET}@h/d?client_encoding=latin1", "utf8"),
        (f"postgresql://u:{SECRET}@h/d?gssencmode=require", "gssencmode"),
        (f"postgresql://u:{SECRET}@a,b/d?port=1,2,3", "ports"),
    ],
)
def test_refusals(given: str, why: str, tmp_path: Path) -> None:
    """What cannot be used is refused with its reason, and without the password."""
    with pytest.raises(AddressError) as caught:
        postgres_address(given)
    assert why in str(caught.value)
    assert SECRET not in str(caught.value)


def test_libpqs_variables_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver is told everything, so that no `PG…` variable of another program has a say."""
    from asyncpg import connect_utils

    read: Any = connect_utils

    for name, value in {
        "PGHOST": "elsewhere", "PGPORT": "9", "PGUSER": "x", "PGPASSWORD": "x", "PGDATABASE": "x",
        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/no", "PGSERVICE": "x",
        "PGTARGETSESSIONATTRS": "standby", "PGSSLNEGOTIATION": "direct", "PGSSLCERT": "/no",
        "PGPASSFILE": "/no", "PGOPTIONS": "-c search_path=x", "PGKRBSRVNAME": "x",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for query in ("?sslmode=require", "?sslmode=disable"):
        told = arguments(postgres_address(f"postgresql://u@h{query}"), connect_timeout_s=5)
        addresses, parameters, _ = read._parse_connect_arguments(
            **{"dsn": None, **{k: v for k, v in told.items() if k != "timeout"}},
            command_timeout=None, statement_cache_size=1, max_cached_statement_lifetime=1,
            max_cacheable_statement_size=1, server_settings=None, service=None, servicefile=None,
        )  # fmt: skip
        assert addresses == [("h", 5432)]
        assert (parameters.user, parameters.database, parameters.password) == ("u", "u", "")
        assert parameters.target_session_attrs.value == "any"
        assert bool(parameters.ssl) is (query == "?sslmode=require")


@pytest.mark.parametrize(
    ("query", "verify", "names"),
    [
        ("sslmode=require", ssl.CERT_NONE, False),
        ("sslmode=no-verify", ssl.CERT_NONE, False),
        ("ssl=true", ssl.CERT_REQUIRED, True),
        ("sslmode=verify-full", ssl.CERT_REQUIRED, True),
        ("sslrootcert=system", ssl.CERT_REQUIRED, True),
        ("sslaccept=strict", ssl.CERT_REQUIRED, True),
    ],
)
def test_how_certificates_are_checked(
    query: str,
    verify: ssl.VerifyMode,
    names: bool,  # noqa: FBT001 - a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Each mode checks as much as libpq's of that name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    context = tls_arguments(postgres_address(f"postgresql://u@h/d?{query}"))["ssl"]
    assert (context.verify_mode, context.check_hostname) == (verify, names)


def test_fallbacks_are_the_drivers() -> None:
    """`prefer`, the default, and `allow` may fall back; `disable` and sockets need no TLS."""
    found = {
        query: tls_arguments(postgres_address(f"postgresql://u@{query}"))["ssl"]
        for query in ("h", "h?sslmode=allow", "h?sslmode=disable", "%2Frun?sslmode=require")
    }
    assert list(found.values()) == ["prefer", "allow", False, False]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("options=-c search_path=a,b -c work_mem=8MB", {"search_path": "a,b", "work_mem": "8MB"}),
        ("options=-c%20search_path%3Da", {"search_path": "a"}),
        ("options=-c+search_path=a", {"search_path": "a"}),
        ("options=-csearch_path=a --work-mem=8MB", {"search_path": "a", "work_mem": "8MB"}),
        ("options=endpoint%3Dcool-name", {"options": "endpoint=cool-name"}),
        ("schema=a&application_name=mine", {"search_path": "a", "application_name": "mine"}),
        ("currentSchema=a", {"search_path": "a"}),
    ],
)
def test_what_the_server_is_told(query: str, told: dict[str, str]) -> None:
    """Settings of the session arrive by name, whichever client's spelling names them."""
    assert postgres_address(f"postgresql://u@h/d?{query}").server_settings == told


@pytest.mark.parametrize(
    "query", ["pgbouncer=true", "statement_cache_size=0", "prepared_statement_cache_size=0"]
)
def test_an_address_tells_of_a_pooler(query: str) -> None:
    """What other clients are told about a pooler counts for us, too."""
    assert postgres_address(f"postgresql://u@h/d?{query}").pooled
    assert not postgres_address("postgresql://u@h/d?pgbouncer=false").pooled


def test_hosts_are_asked_in_any_order_when_that_is_wanted() -> None:
    """`load_balance_hosts=random` spreads connections; each host keeps its port and number."""
    hosts = "a:1,b:2,c:3"
    numbers = "hostaddr=10.0.0.1,,10.0.0.3"
    wanted = [("10.0.0.1", 1), ("b", 2), ("10.0.0.3", 3)]

    def asked(query: str) -> list[tuple[str, int]]:
        told = arguments(postgres_address(f"postgresql://u@{hosts}/d?{query}"), connect_timeout_s=5)
        return [*zip(told["host"], told["port"], strict=True)]

    for query in (numbers, f"{numbers}&load_balance_hosts=disable"):
        assert {tuple(asked(query)) for _ in range(50)} == {tuple(wanted)}
    spread = [asked(f"{numbers}&load_balance_hosts=random") for _ in range(200)]
    assert {order[0] for order in spread} == set(wanted)
    assert all(sorted(order) == sorted(wanted) for order in spread)


@pytest.mark.parametrize("query", ["load_balance_hosts=maybe", "hostaddr=10.0.0.1,10.0.0.2"])
def test_what_libpq_would_refuse_is_refused(query: str) -> None:
    """A word that is none, and numbers that belong to no host."""
    with pytest.raises(AddressError, match=query.partition("=")[0]):
        postgres_address(f"postgresql://u@a/d?{query}")
