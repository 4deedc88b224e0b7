"""`roadmap doctor --llm` makes the calls of a small roadmap and tells what is wrong."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.provider_checks import check_provider
from core.settings import Settings, get_settings
from tests.model_rules import Rule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cli.findings import Finding
    from tests.model_server import ModelServer

KEY = "sk-canary-0123456789"


async def ask(server: ModelServer | None = None, **values: Any) -> Finding:
    """Return what the doctor finds first: whether the language model can be used."""
    return (await ask_all(server, **values))["language model"]


async def ask_all(server: ModelServer | None = None, **values: Any) -> dict[str, Finding]:
    """Return what the doctor finds, by what it looked at."""
    given = {
        "llm_provider": "openai",
        "llm_base_url": server.base_url if server else None,
        "llm_api_key": KEY,
        "llm_model": "some-model",
        "llm_timeout_s": 3,
        **values,
    }
    settings = Settings.model_validate(given)
    findings = await asyncio.to_thread(check_provider, settings, call=True)
    assert KEY not in str(findings)
    return {finding.name: finding for finding in findings}


async def test_a_provider_that_works(server: ModelServer) -> None:
    """The calls of the work, with its schemas and its stream; the finding says how it answered."""
    found = await ask_all(server)
    assert set(found) == {"language model", "typical roadmap"}
    finding = found["language model"]
    assert finding.ok
    assert "some-model at" in finding.message
    assert "json_schema, streamed" in finding.message
    assert "tokens" in finding.message
    assert [entry.kind for entry in server.ledger][:3] == [
        "intent_analysis",
        "curriculum_design",
        "structure_validation",
    ]
    assert {entry.kind for entry in server.ledger[3:]} == {"tutorial", "resources", "quiz"}
    assert {request["model"] for request in server.requests} == {"some-model"}


async def test_a_provider_that_refuses_how_it_is_asked(server: ModelServer) -> None:
    """It can be used; what it refuses is told, and what is done instead."""
    server.refuses |= {"json_schema", "stream"}
    found = await ask_all(server)
    assert found["language model"].ok
    assert "json_object, not streamed" in found["language model"].message
    habits = found["model's habits"]
    assert (habits.ok, habits.required) == (True, False)
    assert "learned just now: it takes no JSON Schema" in habits.message
    assert "it does not stream" in habits.message


async def test_the_price_of_a_typical_roadmap_is_told(server: ModelServer) -> None:
    """In dollars where the price is known, else with the setting to give it by."""
    price = {"some-model": {"input": 1, "output": 10}}
    priced = (await ask_all(server, llm_prices=price))["typical roadmap"]
    assert priced.ok
    assert "for 45 contents: about $" in priced.message
    unknown = (await ask_all(server))["typical roadmap"]
    assert (unknown.ok, unknown.required) == (False, False)
    assert "set ROADMAP_LLM_PRICES" in unknown.message


def error(code: str, message: str) -> str:
    """Return the body of an error."""
    return json.dumps({"error": {"message": f"{message} {KEY}", "code": code}})


@pytest.mark.parametrize(
    ("rule", "code", "said", "requests"),
    [
        (
            Rule("status", status=401),
            "provider_unauthorized",
            "LLM_API_KEY, then retry. (HTTP 401",
            1,
        ),
        (Rule("status", status=403), "provider_unauthorized", "does not let", 1),
        (Rule("status", status=404, body="<html>"), "provider_address_wrong", "LLM_BASE_URL", 1),
        (
            Rule("status", status=404, body=error("model_not_found", "No such model")),
            "provider_unknown_model",
            "LLM_MODEL",
            1,
        ),
        (
            Rule("status", status=429, body=error("insufficient_quota", "You exceeded")),
            "provider_quota_exhausted",
            "credit",
            1,
        ),
        (Rule("status", status=429), "provider_rate_limited", "too many requests", 3),
        (Rule("status", status=500), "provider_unavailable", "HTTP 500", 3),
        (Rule("hang"), "provider_timeout", "did not answer", 1),
        (Rule("disconnect"), "provider_unavailable", "connection broken", 3),
        (Rule("not_json"), "provider_unavailable", "not JSON", 3),
        (Rule("garbage"), "content_invalid", "no JSON object", 3),
        (Rule("wrong_shape"), "content_invalid", "topic: Field required", 3),
        (Rule("truncated"), "content_truncated", "cut off", 2),
        (Rule("refusal"), "content_refused", "declined", 1),
    ],
    ids=lambda value: f"{value.behaviour}-{value.status}" if isinstance(value, Rule) else "",
)
async def test_what_is_wrong_is_told_apart(
    server: ModelServer, rule: Rule, code: str, said: str, requests: int
) -> None:
    """Each has its code and its advice, after as many requests as were promised, and no key."""
    server.rules.append(rule)
    finding = await ask(server, llm_timeout_s=0.3 if rule.behaviour == "hang" else 3)
    assert not finding.ok
    assert finding.code == code
    assert said in finding.message
    assert len(server.ledger) == requests


@asynccontextmanager
async def without_tls() -> AsyncIterator[str]:
    """Run a server that answers every greeting in plain HTTP, as one behind TLS would not."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("scheme", "host", "said"),
    [
        ("http", "no-such-host.invalid", "DNS"),
        ("http", "127.0.0.1:1", "connection refused"),
        ("https", "", "TLS, WRONG_VERSION_NUMBER: its server answers without it"),
    ],
)
async def test_why_there_is_no_connection_is_said(scheme: str, host: str, said: str) -> None:
    """A name that does not exist, a port where nobody listens, a server without TLS."""
    async with without_tls() as plain:
        finding = await ask(llm_base_url=f"{scheme}://{host or plain}/v1")
    assert not finding.ok
    assert finding.code == "provider_unavailable"
    assert said in finding.message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"llm_api_key": None}, "LLM_API_KEY"),
        ({"llm_api_key": "sk-xxx"}, "LLM_API_KEY is not configured (a placeholder)"),
        ({"llm_model": "<model>"}, "LLM_MODEL"),
        ({"llm_base_url": "https://your-endpoint/v1"}, "LLM_BASE_URL"),
    ],
)
async def test_what_is_not_configured_is_not_called(values: dict[str, Any], said: str) -> None:
    """A placeholder is as good as nothing, and no call is made for it."""
    finding = await ask(**{"llm_base_url": None, **values})
    assert not finding.ok
    assert finding.code == "not_configured"
    assert said in finding.message


async def test_local_servers_need_no_key(server: ModelServer) -> None:
    """Neither those of a preset nor those that nobody knows."""
    assert (await ask(server, llm_preset="ollama", llm_api_key=None)).ok
    assert (await ask(server, llm_api_key=None)).ok


async def test_the_command_says_it_all_in_json(
    server: ModelServer, settings_env: pytest.MonkeyPatch
) -> None:
    """`roadmap doctor --llm --json` ends with 1 and carries the code."""
    settings_env.setenv("ROADMAP_LLM_PROVIDER", "openai")
    settings_env.setenv("ROADMAP_LLM_BASE_URL", server.base_url)
    settings_env.setenv("ROADMAP_LLM_API_KEY", KEY)
    get_settings.cache_clear()
    server.rules.append(Rule("status", status=401))
    result = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--llm", "--json"])
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    (finding,) = (f for f in document["required"] if f["name"] == "language model")
    assert (finding["ok"], finding["code"]) == (False, "provider_unauthorized")
    assert KEY not in result.stdout
