"""Logs: one formatter for all, and no secret in any line."""

from __future__ import annotations

import json
import logging
import warnings
from typing import Any

import pytest
import structlog

from core.logging import configure_logging, get_logger
from core.redaction import redact
from core.settings import load_settings

CANARY = "canary-4711"
LEAKS = [
    f"postgresql+asyncpg://user:{CANARY}@host:5432/db",
    f"redis://:{CANARY}@host/0",
    f"redis://:p@{CANARY}@host/0",
    f"could not reach rediss://u:{CANARY}@a:1,rediss://u:{CANARY}@b:2/0",
    f"Authorization: Bearer {CANARY}",
    f"authorization: bearer   {CANARY}.{CANARY}-_~+/==",
    f"Bearer token-{CANARY}",
    f"Bearer token.{CANARY}",
    f"GET /api/v1/tasks/1/stream?after=3&ticket={CANARY} HTTP/1.1",
    f"ws://h/ws?token={CANARY}&x=1",
    f"api_key={CANARY}",
    f"api-key={CANARY}",
]


@pytest.mark.parametrize("text", LEAKS)
def test_redact(text: str) -> None:
    """Passwords in addresses, bearer tokens, tickets and keys are cut out."""
    assert CANARY not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "task_claimed",
        "A bearer token is needed; send Bearer tokens in a header. No bearer token.",
        "https://example.org/a:b@c/d?x=1",
        "write to me@example.org at 10:30",
        "12:30 alice@host",
        "https://h/?idempotency_key=42&max_tokens=5&author=ann",
        "http://127.0.0.1:8000/api, bob@example.org",
    ],
)
def test_redact_leaves_the_rest(text: str) -> None:
    """What is no secret stays as it is."""
    assert redact(text) == text


@pytest.mark.parametrize("text", [*LEAKS, f'say "http://h/?key={CANARY}" and go'])
def test_redact_leaves_json_whole(text: str) -> None:
    """A line of the log is still JSON when its secrets are out, also where quotes are escaped."""
    line = redact(json.dumps({"event": f'he said "{text}"', "routing_key": "roadmap"}))
    assert CANARY not in line
    assert json.loads(line)["routing_key"] == "roadmap"


def test_redact_keeps_what_helps() -> None:
    """User, host and database stay readable in an address."""
    assert redact("redis://me:x@host:1/2") == "redis://me:***@host:1/2"


def _fail(secret: str) -> None:
    raise ValueError(secret)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("leak", LEAKS)
def test_no_canary_in_any_line(
    settings_env: pytest.MonkeyPatch,
    fresh_logging: None,
    capsys: pytest.CaptureFixture[str],
    form: str,
    leak: str,
) -> None:
    """Neither events nor values, lists, errors nor tracebacks show a secret."""
    configure_logging(load_settings(log_format=form))
    log: Any = structlog.stdlib.get_logger("test")
    log.info("thing_happened", value=leak, values=[leak], nested={"a": {"b": leak}})
    log.warning(leak)
    logging.getLogger("elsewhere").warning("told %s", leak)
    try:
        _fail(leak)
    except ValueError as error:
        log.exception("thing_failed", error=error)
        logging.getLogger("elsewhere").exception("failed")
    shown = capsys.readouterr().err
    assert shown.count("thing_") == 2
    assert "Traceback" in shown
    assert CANARY not in shown


def test_json_lines(
    settings_env: pytest.MonkeyPatch, fresh_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each JSON line has event, level, logger and time, and the facts that were given."""
    configure_logging(load_settings(log_format="json"))
    get_logger("here").warning("lease_lost", task_id="t", epoch=3)
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "lease_lost"
    assert (line["level"], line["logger"]) == ("warning", "here")
    assert (line["task_id"], line["epoch"]) == ("t", 3)
    assert line["timestamp"].endswith("Z")


def test_warnings_are_logged(
    settings_env: pytest.MonkeyPatch, fresh_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A library's warning is one JSON line like everything else, however many lines it has."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logging(load_settings(log_format="json"))
        warnings.warn("You're running as root:\n\nreally", stacklevel=1)
    line = json.loads(capsys.readouterr().err)
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert "really" in line["event"]


def test_level(
    settings_env: pytest.MonkeyPatch, fresh_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is below the level is not written."""
    configure_logging(load_settings(log_level="ERROR", log_format="json"))
    get_logger("here").warning("not_told")
    get_logger("here").error("told")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["told"]


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.usefixtures("settings_env", "fresh_logging")
def test_endless_texts_are_shortened(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An error's megabytes are not written: its place and its end are, and JSON stays JSON."""
    configure_logging(load_settings(log_format=form))
    endless = "no\n" * 1_000_000
    error = ValueError(f"begins {endless} ends")
    get_logger("test").error("failed", error=str(error), exc_info=error)
    line = capsys.readouterr().err
    assert len(line) < 500_000
    assert "begins" in line
    assert " ends" in line
    assert form == "console" or json.loads(line)["event"] == "failed"


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.usefixtures("settings_env", "fresh_logging")
def test_no_canary_where_a_text_is_cut(leak: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever in a secret, or before it, the middle of an endless text is left out."""
    configure_logging(load_settings(log_format="json"))
    log = get_logger("test")
    for place in range(1, len(leak)):
        log.info("cut", before=f"{'a ' * 60_000}"[place - 50_000 :] + leak + " z" * 60_000)
        log.info("cut", after="a " * 60_000 + leak + f"{' z' * 60_000}"[: 50_000 - place])
    shown = capsys.readouterr().err
    assert shown.count("\n") == 2 * (len(leak) - 1)
    assert not any(CANARY[:size] in shown for size in (6, len(CANARY)))
    assert CANARY[-6:] not in shown
