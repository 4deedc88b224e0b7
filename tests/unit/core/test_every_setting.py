"""Every documented setting: read from each source, spelled in each way, handed to children."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.options import Pool, StackOptions
from cli.plan import Addresses, child_environment
from core.errors import SettingsError
from core.given import SECRETS
from core.settings import Settings, load_settings
from core.settings.kinds import kind_of
from core.settings.spelling import as_text
from docs.settings_table import settings_table
from tests.settings_samples import LONG_SECRET, fields, sample, spellings

NUMBERS = [name for name, field in fields().items() if kind_of(field.annotation) in {int, float}]


@pytest.fixture
def env(settings_env: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No setting at all, in an empty working folder."""
    settings_env.delenv("ROADMAP_SAMPLE_LATENCY_S")
    settings_env.chdir(tmp_path)
    return settings_env


def value_of(name: str) -> Any:
    """Return what a setting is now, without the wrapper of a secret."""
    value = getattr(load_settings(), name)
    return getattr(value, "get_secret_value", lambda: value)()


@pytest.mark.parametrize("name", fields())
def test_from_everywhere(env: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """By environment, `.env` and file the same value arrives, and another than the default."""
    variable, written = f"ROADMAP_{name.upper()}", sample(name)
    default = value_of(name)
    env.setenv(variable, written)
    by_environment = value_of(name)
    assert by_environment != default
    env.delenv(variable)
    (tmp_path / ".env").write_text(f"export {variable}='{written}'  # a comment\r\n")
    assert value_of(name) == by_environment
    (tmp_path / ".env").unlink()
    if name.upper() in SECRETS:
        (tmp_path / "file").write_bytes(b"\xef\xbb\xbf" + written.encode() + b"\r\n")
        env.setenv(f"{variable}_FILE", "file")
        assert value_of(name) == by_environment


@pytest.mark.parametrize("name", fields())
def test_what_a_child_reads(env: pytest.MonkeyPatch, name: str) -> None:
    """A value that is spelled out for a child process reads as an equal one."""
    env.setenv(f"ROADMAP_{name.upper()}", sample(name))
    before = value_of(name)
    env.setenv(f"ROADMAP_{name.upper()}", as_text(getattr(load_settings(), name)))
    assert value_of(name) == before


@pytest.mark.parametrize("name", fields())
def test_other_spellings(env: pytest.MonkeyPatch, name: str) -> None:
    """Words in any case, yes and no in any word, blanks around: the same is meant."""
    for written, same in spellings(name):
        env.setenv(f"ROADMAP_{name.upper()}", same)
        meant = value_of(name)
        env.setenv(f"ROADMAP_{name.upper()}", written)
        assert value_of(name) == meant, written


@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_is_without_bounds(env: pytest.MonkeyPatch, name: str) -> None:
    """A number that no timer, column or server could take is refused at once, by its name."""
    for number in ("1e18", "1" + "0" * 18, "9" * 400):
        env.setenv(f"ROADMAP_{name.upper()}", number)
        with pytest.raises(SettingsError, match=rf"ROADMAP_{name.upper()}: must be a .*number"):
            load_settings()


def test_the_table_shows_what_each_may_be() -> None:
    """Every setting stands in the table once, a choice with all of its words."""
    table = settings_table()
    for name in Settings.model_fields:
        assert table.count(f"| `ROADMAP_{name.upper()}` |") == 1
    assert "`keep`, `approve`, `cancel`" in table
    assert "`auto`, `json`, `console`" in table


def test_children_get_a_chosen_environment(env: pytest.MonkeyPatch) -> None:
    """Settings, the usual variables and what PASS_ENVIRONMENT names; nothing of other programs."""
    for name, value in {
        "CELERY_BROKER_URL": "redis://elsewhere", "PGHOST": "elsewhere", "FLOWER_PORT": "1",
        "OPENAI_API_KEY": "theirs", "WEB_CONCURRENCY": "9", "DATABASE_URL": "theirs",
        "ROADMAP_API_SERVICE_HOST": "10.0.0.1", "SHOP_KEY": "ours", "OTHER_KEY": "theirs",
        "OTEL_SERVICE_NAME": "mine", "LD_PRELOAD": "", "TZ": "UTC", "LC_ALL": "POSIX",
        "PYTHONPATH": "examples/report::/shop",
    }.items():  # fmt: skip
        env.setenv(name, value)
    env.setenv("ROADMAP_PASS_ENVIRONMENT", "SHOP_*, NOBODY")
    addresses = Addresses(
        database_url="postgresql://d", redis_url="redis://r", broker_url="redis://b",
        auth_secret=LONG_SECRET,
    )  # fmt: skip
    options = StackOptions(
        host="127.0.0.1", port=1, flower_port=None, workers=1, concurrency=1, pool=Pool.THREADS,
        beat=False,
    )  # fmt: skip
    got = child_environment(load_settings(), options, addresses)
    for name in ("SHOP_KEY", "OTEL_SERVICE_NAME", "LD_PRELOAD", "TZ", "LC_ALL", "PATH", "HOME"):
        assert name in got
    for name in (
        "CELERY_BROKER_URL", "PGHOST", "FLOWER_PORT", "OPENAI_API_KEY", "WEB_CONCURRENCY",
        "DATABASE_URL", "ROADMAP_API_SERVICE_HOST", "OTHER_KEY",
    ):  # fmt: skip
        assert name not in got
    # they work in another folder
    assert got["PYTHONPATH"] == f"{Path.cwd() / 'examples/report'}:/shop"
