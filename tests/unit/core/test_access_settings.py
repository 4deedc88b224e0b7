"""Hosts and origins that could never be asked for, or sent, are refused when a program starts."""

from __future__ import annotations

import pytest

from core.errors import SettingsError
from core.settings.loading import load_settings


@pytest.mark.parametrize(
    "host",
    [
        "https://example.org",
        "example.org:443",
        "*example.org",
        "example.org/learn",
        "10.0.0.0/8",
        "a b",
        "bücher.example",
        "[::1]:8000",
    ],
)
def test_what_is_no_host_is_refused(settings_env: pytest.MonkeyPatch, host: str) -> None:
    """No `Host` is ever like that, so every request by the name that was meant would be."""
    settings_env.setenv("ROADMAP_ALLOWED_HOSTS", f"fine.example,{host}")
    with pytest.raises(SettingsError, match=r"ROADMAP_ALLOWED_HOSTS.*without https://, port"):
        load_settings()


def test_names_and_addresses_are_hosts(settings_env: pytest.MonkeyPatch) -> None:
    """Names, all names below one, any name, and addresses with and without brackets."""
    hosts = ("Example.org", ".lan", "box", "my_box.lan.", "*", "10.0.0.7", "fd00::1", "[fd00::1]")
    settings_env.setenv("ROADMAP_ALLOWED_HOSTS", ",".join(hosts))
    assert load_settings().allowed_hosts == hosts


@pytest.mark.parametrize("name", ["api_host", "metrics_host"])
def test_an_address_in_brackets_is_listened_on(settings_env: pytest.MonkeyPatch, name: str) -> None:
    """As it stands in addresses; sockets know none with brackets."""
    settings_env.setenv(f"ROADMAP_{name.upper()}", "[::1]")
    assert getattr(load_settings(), name) == "::1"


def test_all_names_below_one_may_begin_with_a_star(settings_env: pytest.MonkeyPatch) -> None:
    """Other servers write them so."""
    settings_env.setenv("ROADMAP_ALLOWED_HOSTS", "*.example.org")
    assert load_settings().allowed_hosts == (".example.org",)


@pytest.mark.parametrize("origin", ["https://*.example.org", "https://bücher.example"])
def test_what_no_browser_sends_is_no_origin(settings_env: pytest.MonkeyPatch, origin: str) -> None:
    """Origins are compared as they are: a pattern or another script would never be met."""
    settings_env.setenv("ROADMAP_CORS_ORIGINS", origin)
    with pytest.raises(SettingsError, match=r"ROADMAP_CORS_ORIGINS.*xn--"):
        load_settings()


def test_origins_are_taken_as_browsers_send_them(settings_env: pytest.MonkeyPatch) -> None:
    """In lower case, and without the port that belongs to the scheme."""
    given = "HTTPS://Good.Example:443,http://a:80,http://a:443,https://a:8443,http://[::1]:80"
    settings_env.setenv("ROADMAP_CORS_ORIGINS", given)
    assert load_settings().cors_origins == (
        "https://good.example",
        "http://a",
        "http://a:443",
        "https://a:8443",
        "http://[::1]",
    )
