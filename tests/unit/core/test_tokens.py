"""Bearer tokens and their secrets: everything that is not exactly right is refused, cleanly."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnauthenticatedError
from core.keys import derived, weakness
from core.signin_codes import check_code, make_code
from core.tokens import DAY_S, LONGEST_TOKEN, Rules, mint_token, verify_token

SECRET = "a-signing-secret-of-the-unit-tests"
OLD = "the-secret-before-it-of-the-unit-tests"
RULES = Rules(secrets=(SECRET,), longest_s=30 * DAY_S)
NOW = int(time.time())
GOOD: dict[str, Any] = {"sub": "alice", "exp": NOW + 3600}
MISSING = object()


def encoded(text: bytes) -> str:
    """Return base64 as a JWT has it."""
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def signed(header: bytes, claims: bytes, *, secret: str = SECRET) -> str:
    """Return a token of any bytes, signed as HS256 wants it."""
    told = f"{encoded(header)}.{encoded(claims)}"
    return f"{told}.{encoded(hmac.digest(secret.encode(), told.encode(), hashlib.sha256))}"


def token(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a signed token with some claims changed, or left out."""
    told = {name: value for name, value in {**GOOD, **claims}.items() if value is not MISSING}
    head = {"alg": "HS256", "typ": "JWT", **(header or {})}
    return signed(json.dumps(head).encode(), json.dumps(told).encode())


def test_the_helper_makes_good_tokens() -> None:
    """What the tests below change one by one is accepted as it is."""
    assert verify_token(RULES, token()).user == "alice"


WRONG: dict[str, tuple[Any, ...]] = {
    "exp": (
        MISSING, None, 1e30, float("inf"), float("-inf"), float("nan"), -1, 0, True, "soon",
        str(NOW + 3600), [], {}, [NOW + 3600], NOW - 1, 10**400, NOW + 31 * DAY_S,
    ),
    "sub": (
        MISSING, None, "", " ", "\u2003", 7, True, [], {}, ["alice"], "x" * 10_000, "x" * 201,
        "a\x00b", "a\nb", "a\x1b[31mb", "a\u202eb", "\ud800",
    ),
    "iat": (1e30, "now", True, NOW + 3600, float("nan"), [], "1"),
    "nbf": (1e30, "now", True, NOW + 3600, float("nan"), []),
    "jti": (7, "", [], "x" * 201, "a\x00b", {}),
    "aud": ("somebody", ["somebody"]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name} {number}")
        for name, values in WRONG.items()
        for number, value in enumerate(values)
    ],
)
def test_a_wrong_claim_is_refused(name: str, value: Any) -> None:
    """Missing, of another type, out of range, not a number, unprintable: always the same 401."""
    with pytest.raises(UnauthenticatedError):
        verify_token(RULES, token(**{name: value}))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": None},
        {"alg": ["HS256"]},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
    ],
)
def test_a_token_does_not_choose_how_it_is_checked(header: dict[str, Any]) -> None:
    """Other algorithms, and extensions that must be understood, are refused."""
    with pytest.raises(UnauthenticatedError):
        verify_token(RULES, token(header))
    if str(header.get("alg")).lower() == "none":
        with pytest.raises(UnauthenticatedError):
            verify_token(RULES, token(header).rpartition(".")[0] + ".")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        "é.é.é",
        token() + "x",
        token()[:-1],
        token() + "." + token(),
        "x" * (LONGEST_TOKEN + 1),
        signed(b"[" * 3000, b"{}"),
        signed(b'{"alg":"HS256"}', b"[" * 2000),
        signed(b'{"alg":"HS256"}', b"[]"),
        signed(b'{"alg":"HS256"}', b"null"),
        signed(b'{"alg":"HS256"}', b"\xff\xfe"),
        signed(b"7", b"{}"),
        token(padding="x" * LONGEST_TOKEN),
    ],
    ids=range(17),
)
def test_what_is_no_token_is_refused(text: str) -> None:
    """Garbage, deep nesting, other types, cut, doubled and huge ones end in the same 401."""
    with pytest.raises(UnauthenticatedError):
        verify_token(RULES, text)


@given(st.text() | st.binary().map(lambda some: signed(some, some)))
def test_no_text_breaks_the_decoder(text: str) -> None:
    """Whatever is sent, the answer is a refusal and never a failure."""
    with pytest.raises(UnauthenticatedError):
        verify_token(RULES, text)


def test_a_token_may_live_so_long_and_no_longer() -> None:
    """The longest lifetime is counted from now on, and the refusal names the setting."""
    assert verify_token(RULES, token(exp=NOW + 29 * DAY_S)).user == "alice"
    with pytest.raises(UnauthenticatedError, match="ROADMAP_TOKEN_MAX_DAYS"):
        verify_token(RULES, token(exp=NOW + 31 * DAY_S, iat=NOW))


def test_issuer_and_audience_are_checked_when_set() -> None:
    """With AUTH_ISSUER and AUTH_AUDIENCE a token must have both; what we mint has them."""
    rules = Rules(secrets=(SECRET,), issuer="us", audience="roadmaps")
    good = mint_token(SECRET, user="alice", role=None, ttl_s=60, issuer="us", audience="roadmaps")
    assert verify_token(rules, good).token_id
    assert verify_token(rules, token(iss="us", aud=["others", "roadmaps"])).user == "alice"
    for claims in (
        {},
        {"iss": "us"},
        {"aud": "roadmaps"},
        {"iss": "others", "aud": "roadmaps"},
        {"iss": ["us"], "aud": "roadmaps"},
        {"iss": "us", "aud": "others"},
        {"iss": "us", "aud": []},
        {"iss": "us", "aud": 7},
    ):
        with pytest.raises(UnauthenticatedError):
            verify_token(rules, token(**claims))


def test_the_previous_secret_still_verifies() -> None:
    """While a secret is changed both are good; without the second the old one is not any more."""
    old = mint_token(OLD, user="alice", role="admin", ttl_s=60)
    assert verify_token(Rules(secrets=(SECRET, OLD)), old).role == "admin"
    with pytest.raises(UnauthenticatedError):
        verify_token(RULES, old)
    assert check_code((SECRET, OLD), make_code(OLD)) > time.time()


def test_keys_of_one_purpose_serve_no_other() -> None:
    """What is signed for tickets or cookies is no bearer token, with whatever claims."""
    for purpose in ("stream ticket", "browser session"):
        forged = jwt.encode(GOOD, derived(SECRET, purpose), algorithm="HS256")
        with pytest.raises(UnauthenticatedError):
            verify_token(RULES, forged)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "short",
        " " * 40,
        "a" * 64,
        "ab" * 20,
        "abcabcab" * 5,
        "secret" * 7,
        "x" * 30 + "yz1234567890",
        "changeme-changeme-please-1234567890",
        "CHANGE_ME_0123456789_0123456789_abc",
        "please-replace-me-0123456789abcdefghi",
        "00000000000000000000000000000000000001",
    ],
)
def test_a_secret_that_can_be_guessed_is_refused(secret: str) -> None:
    """Short, blank, repeated and placeholder ones are named as such, without being told."""
    reason = weakness(secret)
    assert reason
    assert not secret or secret not in reason


@given(st.binary(min_size=24, max_size=48))
def test_random_secrets_are_good(raw: bytes) -> None:
    """What `openssl rand` and the like make is accepted in hexadecimal and in base64."""
    if len(set(raw)) > 16:
        assert weakness(raw.hex()) is None
        assert weakness(base64.b64encode(raw).decode()) is None
