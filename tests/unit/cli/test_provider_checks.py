"""What `roadmap doctor` says of a language model's server: lists of models, secrets, odd keys."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from cli.provider_checks import check_provider
from core.settings import load_settings
from tests.unit.cli.test_setup import HOST, provider

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        ([{"id": "m1", "object": "model"}], True),
        ({"data": [{"id": "models/m1"}]}, True),
        ({"data": [{"name": "another"}, {"id": "m1"}]}, True),
        ({"object": "list", "data": None}, False),
    ],
    ids=["Together's bare list", "Gemini's names", "an odd one", "Ollama without a model"],
)
def test_models_are_listed_in_many_ways(
    no_settings: pytest.MonkeyPatch, listed: object, *, known: bool
) -> None:
    """A server that answers is one, without a key, too; a model that it does not list is advice."""
    with provider(200, json.dumps(listed)) as (url, _):
        no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
        no_settings.setenv("ROADMAP_LLM_BASE_URL", url)
        no_settings.setenv("ROADMAP_LLM_MODEL", "m1")
        findings = check_provider(load_settings())
    assert len(findings) == 2, findings
    server, model = findings
    assert server.ok
    assert (model.ok, model.required) == (known, False)


@pytest.mark.parametrize("status", [200, 401, 404, 0])
@pytest.mark.parametrize("login", ["who:hunter2", "hunter2"])
def test_a_login_in_the_address_is_never_shown(
    no_settings: pytest.MonkeyPatch, status: int, login: str
) -> None:
    """Whether the server answers, refuses, knows no list, or is not there."""
    with provider(status, "{}") as (url, _):
        there = url.replace("http://", f"http://{login}@")
        given = there if status else f"http://{login}@{HOST}:1"
        no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
        no_settings.setenv("ROADMAP_LLM_BASE_URL", given)
        (finding,) = check_provider(load_settings())
    assert not finding.ok
    assert HOST in finding.message
    assert "hunter2" not in finding.message


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (429, '{"error": "slow down"}', "provider_rate_limited", "too many requests"),
        (402, "{}", "provider_quota_exhausted", "no credit left"),
        (503, '{"error": {"message": "Loading model"}}', "provider_unavailable", "Loading model"),
        (407, "", "provider_address_wrong", "such as a proxy or firewall"),
        (302, "", "provider_address_wrong", "(HTTP 302)"),
        (
            200,
            "<html><title>Welcome to nginx</title>",
            "provider_address_wrong",
            "Welcome to nginx",
        ),
        (200, "[" * 100_000, "", "does not answer like an OpenAI-compatible server (200)"),
        (200, "{}", "", "does not answer like an OpenAI-compatible server (200)"),
    ],
)
def test_what_a_server_says_instead_is_judged_as_the_work_does(
    no_settings: pytest.MonkeyPatch, status: int, body: str, code: str, said: str
) -> None:
    """A limit, an empty account or a wrong address is no server of another kind."""
    with provider(status, body) as (url, _):
        no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
        no_settings.setenv("ROADMAP_LLM_BASE_URL", url)
        (finding,) = check_provider(load_settings())
    assert (finding.ok, finding.code) == (False, code)
    assert said in finding.message


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("127.0.0.1:1", "the proxy 127.0.0.1:1: connection refused"),
        ("proxy.invalid:3128", "the proxy proxy.invalid:3128: its name cannot be resolved"),
    ],
)
def test_a_proxy_that_is_not_there_is_named(
    no_settings: pytest.MonkeyPatch, proxy: str, why: str
) -> None:
    """And its password is not."""
    no_settings.setenv("HTTPS_PROXY", f"http://me:hunter2@{proxy}")
    no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
    no_settings.setenv("ROADMAP_LLM_BASE_URL", "https://models.test/v1")
    no_settings.setenv("ROADMAP_LLM_API_KEY", "k-9aV3kTq0")
    (finding,) = check_provider(load_settings())
    assert finding.message == f"https://models.test/v1 does not answer: {why}" + (
        ": DNS" if "resolved" in why else ""
    )


@contextmanager
def endless(piece: bytes, every_s: float) -> Iterator[str]:
    """Run a server whose list of models has no end; yield its address."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while not over.wait(every_s):
                    self.wfile.write(piece)

        def log_message(self, *args: Any) -> None:
            """Stay quiet."""

    server = HTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/v1"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("piece", "every_s", "said"),
    [(b" ", 0.01, "no complete answer within 1 s"), (b" " * 100_000, 0.0, "does not answer like")],
    ids=["trickling", "pouring"],
)
def test_an_answer_without_an_end_is_not_waited_for(
    no_settings: pytest.MonkeyPatch, piece: bytes, every_s: float, said: str
) -> None:
    """Neither one that trickles nor one that pours: time and size are bounded."""
    no_settings.setattr("cli.provider_list.TIMEOUT_S", 1.0)
    no_settings.setattr("cli.provider_list.LARGEST", 1_000_000)
    with endless(piece, every_s) as url:
        no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
        no_settings.setenv("ROADMAP_LLM_BASE_URL", url)
        (finding,) = check_provider(load_settings())
    assert not finding.ok
    assert said in finding.message


@pytest.mark.parametrize(
    "pasted",
    [
        "Bearer sk-abc_1=",
        "Authorization: Bearer sk-abc_1=",
        '"sk-abc_1="',
        "'Bearer sk-abc_1='",
        "\u201csk-abc_1=\u201d",
        "sk-abc_1=\r\n",
        " \ufeffsk-\u200babc_1=\u200b\u00a0",
        "ROADMAP_LLM_API_KEY=sk-abc_1=",
        "export OPENAI_API_KEY='sk-abc_1='",
        "api-key: sk-abc_1=",
    ],
)
def test_what_was_pasted_around_a_key_is_not_sent(
    no_settings: pytest.MonkeyPatch, pasted: str
) -> None:
    """Quotes, a header's words, blanks and signs that nobody sees are no part of any key."""
    with provider(200, '{"data": []}') as (url, asked):
        no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
        no_settings.setenv("ROADMAP_LLM_BASE_URL", url)
        no_settings.setenv("ROADMAP_LLM_API_KEY", pasted)
        check_provider(load_settings())
    assert asked == ["/v1/models Bearer sk-abc_1="]


@pytest.mark.parametrize("key", ["sk-hunter2\nhunter2", "sk-\u043a\u043b\u044e\u0447-hunter2"])
def test_a_key_that_cannot_be_sent_is_told_and_not_shown(
    no_settings: pytest.MonkeyPatch, key: str
) -> None:
    """Two lines of a file, or letters of another script: no server is asked."""
    no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
    no_settings.setenv("ROADMAP_LLM_API_KEY", key)
    (finding,) = check_provider(load_settings())
    assert (finding.ok, finding.code) == (False, "provider_unauthorized")
    assert "ROADMAP_LLM_API_KEY" in finding.message
    assert "hunter2" not in finding.message
