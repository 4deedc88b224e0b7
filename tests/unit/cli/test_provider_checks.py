"""What `roadmap doctor` says of a language model's server: lists of models, secrets, odd keys."""

from __future__ import annotations

import json

import pytest

from cli.provider_checks import check_provider
from core.settings import load_settings
from tests.unit.cli.test_setup import HOST, provider


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
