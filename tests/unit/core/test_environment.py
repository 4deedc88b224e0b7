"""Other programs' variables: none reaches us; what is wrong in the environment is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.addresses import AddressError, proxy_for, shown
from core.addresses.http import http_address, is_private
from core.environment import leave_behind
from core.errors import SettingsError
from core.redaction import redact
from core.settings import load_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def env(
    settings_env: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """No setting at all, in an empty working folder."""
    settings_env.delenv("ROADMAP_SAMPLE_LATENCY_S")
    monkeypatch.chdir(tmp_path)
    return settings_env


def test_service_links_are_not_settings(env: pytest.MonkeyPatch) -> None:
    """What Kubernetes says about services named like ours is neither unknown nor invalid."""
    for name, value in {
        "ROADMAP_API_SERVICE_HOST": "10.0.0.1",
        "ROADMAP_API_SERVICE_PORT": "8000",
        "ROADMAP_API_SERVICE_PORT_HTTP": "8000",
        "ROADMAP_API_PORT": "tcp://10.0.0.1:8000",
        "ROADMAP_API_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "ROADMAP_API_PORT_8000_TCP_PROTO": "tcp",
        "ROADMAP_API_PORT_8000_TCP_PORT": "8000",
        "ROADMAP_API_PORT_8000_TCP_ADDR": "10.0.0.1",
        "ROADMAP_PORT": "tcp://10.0.0.2:80",
        "ROADMAP_SERVICE_HOST": "10.0.0.2",
        "ROADMAP_METRICS_PORT": "udp://10.0.0.3:9100",
        "ROADMAP_FLOWER_2_PORT_5555_TCP_ADDR": "10.0.0.4",
    }.items():
        env.setenv(name, value)
    settings = load_settings()
    assert (settings.api_port, settings.metrics_port) == (8000, None)
    env.setenv("ROADMAP_API_PORT", "9000")
    assert load_settings().api_port == 9000
    env.setenv("ROADMAP_PORTS", "1")
    with pytest.raises(SettingsError, match="ROADMAP_PORTS"):
        load_settings()


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"ROADMAP_LLM_MODEL=a\n", "a"),
        ("\ufeffROADMAP_LLM_MODEL=ä\n".encode(), "ä"),
        ("ROADMAP_LLM_MODEL=ä\r\n".encode("utf-16"), "ä"),
        ("ROADMAP_LLM_MODEL=ä\r\n".encode("utf-16-le"), "ä"),
        ("ROADMAP_LLM_MODEL=ä\r\n".encode("utf-16-be"), "ä"),
        ("# Schlüssel\nROADMAP_LLM_MODEL=a\n".encode("latin-1"), "a"),
        (b"export ROADMAP_LLM_MODEL = a\r\n", "a"),
        (b"ROADMAP_LLM_MODEL='a b'  # why\n", "a b"),
        (b'ROADMAP_LLM_MODEL="a #b"\n', "a #b"),
        (b"ROADMAP_LLM_MODEL=a#b  # why\n", "a#b"),
        (b"ROADMAP_LLM_MODEL=a$HOME${HOME}$$\n", "a$HOME${HOME}$$"),
        (b"roadmap_llm_model=a", "a"),
        (b"not a line\nOTHER='unclosed\nROADMAP_LLM_MODEL=a\n", "a"),
        (b"ROADMAP_LLM_MODEL=a\rROADMAP_LEASE_S=9\r", "a"),
    ],
)
def test_env_files(env: pytest.MonkeyPatch, tmp_path: Path, content: bytes, value: str) -> None:
    """`.env` in any usual encoding and dress gives the value as it was meant."""
    (tmp_path / ".env").write_bytes(content)
    assert load_settings().llm_model == value


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"A=1\n\nROADMAP_LLM_MODEL='unclosed\n", 3),
        ("A=1\nROADMAP_LLM_MODEL=ä\n".encode("latin-1"), 2),
    ],
)
def test_a_bad_line_is_named(
    env: pytest.MonkeyPatch, tmp_path: Path, content: bytes, line: int
) -> None:
    """A line of ours that cannot be read is told with file, line and name."""
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=rf"\.env, line {line}: ROADMAP_LLM_MODEL is not"):
        load_settings()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("set ROADMAP_LLM_MODEL=a\r\n", 1),
        ('A=1\nSET "ROADMAP_LLM_MODEL=a"\n', 2),
        ("setx ROADMAP_LLM_MODEL a\n", 1),
        ("$env:ROADMAP_LLM_MODEL = 'a'\n", 1),
        ("set -gx roadmap_llm_model a\n", 1),
        ("declare -x ROADMAP_LLM_MODEL=a\n", 1),
        ("- ROADMAP_LLM_MODEL=a\n", 1),
        ('"ROADMAP_LLM_MODEL"=a\n', 1),
        ("\u200bROADMAP_LLM_MODEL=a\n", 1),
        ("export 'ROADMAP_LLM_MODEL=a'\n", 1),
        ("\nROADMAP_LEASE_S=9 ROADMAP_LLM_MODEL=a\n", 2),
        ("ROADMAP_SAMPLE_FAIL=x; export ROADMAP_LLM_MODEL=a\n", 1),
        ('OTHER="unclosed\n\nROADMAP_LLM_MODEL=a\nLAST="b"\n', 3),
    ],
)
def test_a_line_in_another_dress_is_named(
    env: pytest.MonkeyPatch, tmp_path: Path, content: str, line: int
) -> None:
    """What only another program would take for a setting is told, and its value is not."""
    (tmp_path / ".env").write_bytes(content.encode())
    with pytest.raises(SettingsError, match=rf"line {line}: ROADMAP_LLM_MODEL is not") as told:
        load_settings()
    assert "=a" not in told.value.message


@pytest.mark.parametrize(
    "content",
    [
        "# set ROADMAP_LLM_MODEL=a\n",
        "REM set ROADMAP_LLM_MODEL=a\n; ROADMAP_LLM_MODEL=a\n// ROADMAP_LLM_MODEL=a\n",
        "COMMAND=ROADMAP_LLM_MODEL=a roadmap up\n",
        "TEXT='b\nROADMAP_LLM_MODEL=a\n'\n",
        "OLD_ROADMAP_LLM_MODEL=a\ncd /srv/ROADMAP_LLM_MODEL\n",
        "OTHER=b  # and ROADMAP_LLM_MODEL=a\n",
    ],
)
def test_what_only_speaks_of_a_setting(
    env: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    """Comments and other programs' values may hold our names."""
    (tmp_path / ".env").write_text(f"{content}ROADMAP_LEASE_S=9  # not ROADMAP_LLM_MODEL=a\n")
    settings = load_settings()
    assert (settings.lease_s, settings.llm_model) == (9, "gpt-4.1-mini")


def test_a_folder_named_env(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder `.env`, as some keep their environment of Python in, is left alone."""
    (tmp_path / ".env").mkdir()
    assert load_settings().lease_s == 30


def test_an_unreadable_env_file(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A `.env` that cannot be opened is told by its path and the reason."""
    (tmp_path / ".env").symlink_to(tmp_path / ".env2")
    (tmp_path / ".env2").write_text("ROADMAP_LEASE_S=9")
    env.setattr(Path, "open", _denied)
    with pytest.raises(SettingsError, match=r"\.env cannot be read: Permission denied"):
        load_settings()


def _denied(_path: Path, _mode: str) -> bytes:
    raise PermissionError(13, "Permission denied")


def test_what_is_left_behind(tmp_path: Path) -> None:
    """Celery's, libpq's and uvicorn's variables go; a stale certificate file is named."""
    there = tmp_path / "ca.pem"
    there.write_text("-----BEGIN CERTIFICATE-----")
    environment = {
        "CELERY_BROKER_URL": "x", "CELERY_CONFIG_MODULE": "x", "PGHOST": "x", "PGSSLCERT": "x",
        "WEB_CONCURRENCY": "4", "FORWARDED_ALLOW_IPS": "*", "FORKED_BY_MULTIPROCESSING": "1",
        "SSL_CERT_FILE": "/no/such/file", "REQUESTS_CA_BUNDLE": str(there), "PATH": "/bin",
        "HTTP_PROXY": "http://proxy:1", "NO_PROXY": "example.org", "LD_PRELOAD": "",
    }  # fmt: skip
    wrong = leave_behind(environment)
    assert wrong == ["SSL_CERT_FILE names /no/such/file, which is not there; it is left out"]
    assert set(environment) == {
        "REQUESTS_CA_BUNDLE", "PATH", "HTTP_PROXY", "NO_PROXY", "no_proxy", "LD_PRELOAD",
    }  # fmt: skip
    assert environment["NO_PROXY"] == "example.org,localhost,127.0.0.1,::1"


def test_files_without_a_certificate_are_left_behind(tmp_path: Path) -> None:
    """A file of certificates that has none, or a folder in its place, is named and left out."""
    (tmp_path / "binary.cer").write_bytes(b"\x30\x82\x03\x0b")
    (tmp_path / "empty.pem").touch()
    environment = {
        "SSL_CERT_FILE": str(tmp_path), "SSL_CERT_DIR": str(tmp_path),
        "REQUESTS_CA_BUNDLE": f"{tmp_path}/binary.cer", "CURL_CA_BUNDLE": f"{tmp_path}/empty.pem",
    }  # fmt: skip
    wrong = leave_behind(environment)
    assert environment == {"SSL_CERT_DIR": str(tmp_path)}
    none = "which has no certificate in PEM form; it is left out"
    assert wrong == [
        f"SSL_CERT_FILE names {tmp_path}, which cannot be read (Is a directory); it is left out",
        f"REQUESTS_CA_BUNDLE names {tmp_path}/binary.cer, {none}",
        f"CURL_CA_BUNDLE names {tmp_path}/empty.pem, {none}",
    ]


def test_a_worker_started_by_hand_keeps_to_its_own_broker(tmp_path: Path) -> None:
    """`celery -A worker` connects to our broker, whatever another project's variables say."""
    code = (
        "import os, runpy, sys; sys.argv = ['celery', '-A', 'worker', 'inspect', '--help'];\n"
        "try: runpy.run_module('celery', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "from worker import app; print(app.conf.broker_url, app.connection_for_write().as_uri())"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ROADMAP_")} | {
        "CELERY_BROKER_URL": "redis://elsewhere:1/1",
        "CELERY_BROKER_WRITE_URL": "redis://elsewhere:1/1",
        "BROKER_URL": "redis://elsewhere:1/1",
        "CELERY_LOADER": "elsewhere",
        "LOADER": "elsewhere",
        "CELERY_CONFIG_MODULE": "elsewhere",
        "ROADMAP_REDIS_URL": "redis://ours:2/2",
        "PYTHONPATH": str(ROOT),
    }
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.stdout.count("ours:2/2") == 2, ran.stderr[-2000:]
    assert "elsewhere" not in ran.stdout


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://[::1]/", True),
        ("http://localhost:8000", True),
        ("http://ollama:11434", True),
        ("http://192.168.1.7", True),
        ("http://vllm.default.svc.cluster.local", True),
        ("http://host.docker.internal:1234", True),
        ("https://api.openai.com/v1", False),
        ("https://93.184.216.34", False),
    ],
)
def test_no_proxy_for_neighbours(url: str, private: bool) -> None:  # noqa: FBT001 - a parameter
    """An address on this machine or network is never asked through a proxy; others are."""
    assert is_private(url) is private
    proxy = proxy_for(url, {"ALL_PROXY": "http://proxy.example:1"})
    assert proxy == (None if private else "http://proxy.example:1")
    if private:
        assert proxy_for(url, {"ALL_PROXY": "socks4://proxy.example:1"}) is None


@pytest.mark.parametrize(
    "proxy",
    [
        "socks4://user:hunter2@proxy.example:1",
        "http://user:hunter2@proxy.example:99999",
        "user:hunter2@[proxy.example:3128",
        "http://user:hunter2@",
    ],
)
def test_a_proxy_that_cannot_be_used(env: pytest.MonkeyPatch, proxy: str) -> None:
    """It is told at the start, by the variable that names it, unless NO_PROXY spares the server."""
    env.setenv("ALL_PROXY", proxy)
    assert load_settings().llm_provider == "sample"
    env.setenv("ROADMAP_LLM_PROVIDER", "openai")
    with pytest.raises(SettingsError, match=r"LLM_BASE_URL: .*ALL_PROXY") as caught:
        load_settings()
    assert "hunter2" not in caught.value.message
    env.setenv("NO_PROXY", "openai.com")
    assert load_settings().llm_provider == "openai"
    env.setenv("NO_PROXY", "api.openai.com")
    env.setenv("ROADMAP_LLM_BASE_URL", "https://me:hunter2@api.openai.com:8443/v1")
    assert load_settings().llm_provider == "openai"
    env.setenv("NO_PROXY", "")
    env.setenv("ROADMAP_LLM_BASE_URL", "http://127.0.0.1:11434/v1")
    assert load_settings().llm_provider == "openai"


@pytest.mark.parametrize(
    "url",
    [
        "https://hunter2@host.example/v1",
        "https://user:hunter2@host.example/v1",
        "https://host.example/v1?api_key=hunter2&api-version=3",
        "https://host.example/v1?subscription-key=hunter2",
        "postgresql://user:hunter2@host/db",
        "redis://:hunter2@host/0",
        "redis://:a@hunter2@host/0",
    ],
)
def test_no_secret_of_an_address_is_shown(url: str) -> None:
    """Wherever an address is shown or logged, what may be secret in it is not."""
    for text in (shown(url), redact(f"cannot reach {url}: refused")):
        assert "hunter2" not in text
        assert "host" in text


def test_no_proxy_error_shows_the_address() -> None:
    """A wrong HTTP address is refused without a word of it."""
    for wrong in ("hunter2@host", "ftp://hunter2@host", "https://", "https://u:hunter2@h:x/"):
        with pytest.raises(AddressError) as caught:
            http_address(wrong)
        assert "hunter2" not in str(caught.value)
    assert http_address(' "https://h/v1" ') == "https://h/v1"
