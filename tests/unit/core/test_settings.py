"""Settings: where they come from, and how wrong ones are told."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from core.errors import SettingsError
from core.given import SECRETS
from core.settings import Settings, get_settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-4711"
LONG_CANARY = f"{CANARY}-and-long-enough-to-sign-with"


@pytest.fixture
def env(
    settings_env: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """No setting at all, in an empty working folder."""
    settings_env.delenv("ROADMAP_SAMPLE_LATENCY_S")
    monkeypatch.chdir(tmp_path)
    return settings_env


def test_defaults_are_the_contracts(env: pytest.MonkeyPatch) -> None:
    """Without any setting the documented defaults hold."""
    settings = load_settings()
    assert settings.database_max_connections == 100
    assert settings.content_concurrency == 10
    assert settings.lease_s == 30
    assert settings.publish_timeout_s == 5
    assert settings.review_due_hours == 24
    assert settings.review_on_expiry == "keep"
    assert settings.max_edit_rounds == 3
    assert settings.max_attempts == 5
    assert settings.broker == settings.redis_url.get_secret_value()


def test_unknown_name(env: pytest.MonkeyPatch) -> None:
    """A misspelt name stops the program and the right one is suggested."""
    env.setenv("ROADMAP_LEESE_S", "10")
    with pytest.raises(SettingsError, match=r"ROADMAP_LEESE_S.*Did you mean ROADMAP_LEASE_S"):
        load_settings()


@pytest.mark.parametrize("value", ["", "x"])
def test_unknown_name_even_when_empty(env: pytest.MonkeyPatch, value: str) -> None:
    """An unknown name is refused whatever its value."""
    env.setenv("ROADMAP_ZZZZZZZZ", value)
    with pytest.raises(SettingsError, match="ROADMAP_ZZZZZZZZ"):
        load_settings()


def test_unknown_name_in_dotenv(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A misspelt name in `.env` is found too."""
    (tmp_path / ".env").write_text("ROADMAP_LLM_MODLE=x\n")
    with pytest.raises(SettingsError, match=r"MODLE \(in .env\).*ROADMAP_LLM_MODEL"):
        load_settings()


def test_a_wrong_value_of_the_file_is_told_as_such(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever looks in their shell for what `.env` gives is told where it stands."""
    (tmp_path / ".env").write_text("ROADMAP_LEASE_S=abc\nROADMAP_API_PORT=x\n")
    env.setenv("ROADMAP_API_PORT", "y")
    with pytest.raises(SettingsError) as told:
        load_settings()
    assert "ROADMAP_LEASE_S (in .env): must be" in told.value.message
    assert "ROADMAP_API_PORT: must be" in told.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEASE_S", "soon"),
        ("LEASE_S", "0"),
        ("API_PORT", "65536"),
        ("AUTH", "open"),
        ("LLM_PROVIDER", "oracle"),
        ("REVIEW_ON_EXPIRY", "explode"),
        ("MAX_EDIT_ROUNDS", "-1"),
        ("SAMPLE_FAIL", "("),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", f"mysql://u:{CANARY}@h/d"),
        ("REDIS_URL", f"http://:{CANARY}@h"),
        ("BROKER_URL", f"kafka://u:{CANARY}@h"),
        ("BROKER_URL", f"sentinel://:{CANARY}@h:26379"),
        ("OTLP_ENDPOINT", "localhost:4318"),
        ("API_HOST", "http://0.0.0.0"),
        ("API_HOST", "0.0.0.0:8000"),
        ("METRICS_HOST", "http://0.0.0.0"),
        ("FLOWER_URL", "javascript:alert(1)"),
        ("FLOWER_URL", "//evil.example"),
        ("ALLOWED_HOSTS", "https://example.org"),
        ("ALLOWED_HOSTS", "example.org:8443"),
        ("ALLOWED_HOSTS", "example.org/roadmaps"),
        ("ALLOWED_HOSTS", "example.org, *example.com"),
        ("AUTH_SECRET", CANARY),
    ],
)
def test_bad_value(env: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A bad value's message names the variable, and never shows a secret."""
    env.setenv(f"ROADMAP_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert f"ROADMAP_{name}: " in caught.value.message
    assert CANARY not in caught.value.message
    assert caught.value.__cause__ is None


def test_all_bad_values_at_once(env: pytest.MonkeyPatch) -> None:
    """Several bad values are told in one message."""
    env.setenv("ROADMAP_LEASE_S", "x")
    env.setenv("ROADMAP_API_PORT", "y")
    with pytest.raises(SettingsError, match=r"API_PORT.*LEASE_S|LEASE_S.*API_PORT"):
        load_settings()


@pytest.mark.parametrize("name", SECRETS)
def test_secret_file(env: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Each secret can come from a file; the white space around it is not part of it."""
    value = {
        "DATABASE_URL": f"postgresql+asyncpg://u:{CANARY}@h:5432/d",
        "MIGRATION_DATABASE_URL": f"postgresql+asyncpg://o:{CANARY}@h:5432/d",
        "REDIS_URL": f"redis://:{CANARY}@h:6379/0",
        "BROKER_URL": f"rediss://:{CANARY}@h:6379/0?ssl_cert_reqs=required",
    }.get(name, LONG_CANARY)
    path = tmp_path / "secret"
    path.write_text(f"{value}\n")
    env.setenv(f"ROADMAP_{name}_FILE", str(path))
    found = getattr(load_settings(), name.lower())
    assert found.get_secret_value() == value
    assert CANARY not in repr(load_settings())


def test_secret_file_named_in_dotenv(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`.env` may name a secret's file too; it is not ignored in silence."""
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / ".env").write_text("ROADMAP_LLM_API_KEY_FILE=secret\n")
    key = load_settings().llm_api_key
    assert key is not None
    assert key.get_secret_value() == CANARY


def test_value_wins_over_file(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The secret itself wins over a file with one."""
    env.setenv("ROADMAP_LLM_API_KEY", "direct")
    env.setenv("ROADMAP_LLM_API_KEY_FILE", str(tmp_path / "absent"))
    key = load_settings().llm_api_key
    assert key is not None
    assert key.get_secret_value() == "direct"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_secret_file_unreadable(
    env: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """A secret's file that cannot be read names the variable and the file."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    env.setenv("ROADMAP_TOKEN_FILE", str(path))
    with pytest.raises(SettingsError, match=f"ROADMAP_TOKEN_FILE: .*{path}"):
        load_settings()


def test_a_secret_file_without_an_end(env: pytest.MonkeyPatch) -> None:
    """What fills the memory is refused; what ends is read, also from a pipe, as of `<(…)`."""
    env.setenv("ROADMAP_LLM_API_KEY_FILE", "/dev/zero")
    with pytest.raises(SettingsError, match="LLM_API_KEY_FILE: /dev/zero is larger than 1,000,000"):
        load_settings()
    read, write = os.pipe()
    os.write(write, CANARY.encode())
    os.close(write)
    env.setenv("ROADMAP_LLM_API_KEY_FILE", f"/dev/fd/{read}")
    key = load_settings().llm_api_key
    os.close(read)
    assert key is not None
    assert key.get_secret_value() == CANARY


def test_a_secret_file_that_is_a_pipe(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pipe is read when its writer comes, however slowly; one without a writer is told."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    env.setenv("ROADMAP_LLM_API_KEY_FILE", str(pipe))
    slow = f"sleep 0.2; (printf {CANARY[:3]}; sleep 0.2; printf {CANARY[3:]}) > {pipe}"
    with subprocess.Popen(["/bin/sh", "-c", slow]):
        key = load_settings().llm_api_key
    assert key is not None
    assert key.get_secret_value() == CANARY
    endless = f"(printf a; sleep 1) > {pipe}"
    env.setattr("core.text_files.PATIENCE_S", 0.2)
    with pytest.raises(SettingsError, match=f"LLM_API_KEY_FILE: {pipe} is a pipe into which nobod"):
        load_settings()
    with (
        subprocess.Popen(["/bin/sh", "-c", endless]),
        pytest.raises(SettingsError, match="is a pipe that nobody closed for"),
    ):
        load_settings()


def test_only_secrets_come_from_files(env: pytest.MonkeyPatch) -> None:
    """`…_FILE` of a setting that is no secret is an unknown name."""
    env.setenv("ROADMAP_LEASE_S_FILE", "x")
    with pytest.raises(SettingsError, match="Unknown"):
        load_settings()


def test_dotenv(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`.env` is read, other programs' names in it are left alone, the environment wins."""
    (tmp_path / ".env").write_text("ROADMAP_LEASE_S=11\nROADMAP_API_PORT=12\nPATH_TO_X=y\n")
    env.setenv("ROADMAP_API_PORT", "13")
    settings = load_settings()
    assert settings.lease_s == 11
    assert settings.api_port == 13
    assert "PATH_TO_X" not in os.environ


def test_empty_values(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty value is no value: the default holds, as in a Compose file with blanks."""
    for name in Settings.model_fields:
        env.setenv(f"ROADMAP_{name.upper()}", "")
    settings = load_settings()
    assert settings.llm_api_key is None
    assert settings.lease_s == 30


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_database_url(env: pytest.MonkeyPatch, scheme: str) -> None:
    """Every usual spelling of a PostgreSQL address becomes the asynchronous driver's."""
    env.setenv("ROADMAP_DATABASE_URL", f"{scheme}://u:p@h:1/d?sslmode=require")
    url = load_settings().database_url.get_secret_value()
    assert url == "postgresql+asyncpg://u:p@h:1/d?sslmode=require"


def test_lists_and_levels(env: pytest.MonkeyPatch) -> None:
    """Origins are split at commas, blanks dropped; the log level may be in lower case."""
    env.setenv("ROADMAP_CORS_ORIGINS", "https://a.example, ,https://b.example,")
    env.setenv("ROADMAP_LOG_LEVEL", "warning")
    settings = load_settings()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.log_level == "WARNING"


def test_hosts(env: pytest.MonkeyPatch) -> None:
    """Names and addresses of every kind are hosts; one alone is listened on."""
    hosts = (
        "*",
        ".example.com",
        "Roadmaps.Example.com",
        "api",
        "10.0.0.7",
        "[::1]",
        "::1",
        "a_b.c.",
    )
    env.setenv("ROADMAP_ALLOWED_HOSTS", ",".join(hosts))
    assert load_settings().allowed_hosts == hosts
    for host in ("0.0.0.0", "::", "localhost", "fe80::1%eth0", "api"):  # noqa: S104
        env.setenv("ROADMAP_API_HOST", host)
        assert load_settings().api_host == host


@pytest.mark.parametrize("place", ["/flower/", "https://example.org/flower"])
def test_places_of_flower(env: pytest.MonkeyPatch, place: str) -> None:
    """Flower may be a path beside ours, behind the same proxy."""
    env.setenv("ROADMAP_FLOWER_URL", place)
    assert load_settings().flower_url == place


def test_broker_of_its_own(env: pytest.MonkeyPatch) -> None:
    """BROKER_URL wins over REDIS_URL for Celery."""
    env.setenv("ROADMAP_BROKER_URL", "redis://elsewhere/1")
    assert load_settings().broker == "redis://elsewhere:6379/1"


def test_overrides_win(env: pytest.MonkeyPatch) -> None:
    """Values given in code win over the environment."""
    env.setenv("ROADMAP_LEASE_S", "11")
    assert load_settings(lease_s=12).lease_s == 12


def test_read_once(env: pytest.MonkeyPatch) -> None:
    """The process's settings are read once, until they are forgotten."""
    first = get_settings()
    env.setenv("ROADMAP_LEASE_S", "99")
    assert get_settings() is first
    get_settings.cache_clear()
    assert get_settings().lease_s == 99
