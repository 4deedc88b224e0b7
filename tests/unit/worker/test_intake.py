"""Messages are judged by code that raises one exception, and made anew."""

from __future__ import annotations

import base64
import json
import re
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.utils.collections import LimitedSet
from celery.worker.consumer.mingle import Mingle
from celery.worker.control import Panel

from tasks import maintenance, roadmap  # noqa: F401 - tasks are known once they are imported
from tests.junk import cases, envelope, wrapped
from tests.junk_commands import command, commands
from worker.intake import RefusedError, control, judge
from worker.intake.control import PIDBOX, check_control
from worker.intake.envelope import incoming, open_envelope, sealed
from worker.intake.excerpt import LONGEST, excerpt_of
from worker.runtime import known

SECRETS = ("hunter2-canary", "sk-canary0123456789abcdefghij", "eyJcanary0123456789.eyJzdWIi.c2ln")


def _judged(raw: bytes) -> dict[str, Any] | None:
    try:
        opened = open_envelope(raw)
        return sealed(judge(incoming(opened), known), opened, queue="roadmap")
    except RefusedError:
        return None


def test_every_message_is_refused_or_made_anew() -> None:
    """What is refused is refused with a reason; what is taken would be taken again as it is."""
    for case in cases():
        taken = _judged(case.raw)
        if case.refused is not None:
            assert (taken is None) is case.refused, case.name
        if taken is not None:
            again = _judged(json.dumps(taken).encode())
            assert again is not None, case.name
            assert again["body"] == taken["body"], case.name
            assert "compression" not in taken["headers"], case.name
            assert json.loads(taken["body"])[2] == dict.fromkeys(
                ("callbacks", "errbacks", "chain", "chord")
            )


@pytest.mark.parametrize("name", [["roadmap"], {"name": "roadmap"}, None, 7, "none"])
def test_a_workflow_that_is_none_is_named(name: Any) -> None:
    """Whatever stands where the workflow's name should, it is told as what is wrong."""
    given = {"task_id": str(uuid.uuid4()), "workflow": name, "request": {"goal": "x"}}
    raw = json.dumps(envelope([[], given, None], task="workflow.run")).encode()
    with pytest.raises(RefusedError, match=r"its workflow .* is none of this worker's"):
        judge(incoming(open_envelope(raw)), known)


@pytest.mark.parametrize("revoked", [[], [str(uuid.uuid4())]])
def test_a_worker_that_starts_is_let_in(revoked: list[str]) -> None:
    """The question that Celery's workers ask each other at their start, as Celery puts it, passes.

    Set aside, it would raise an alert each time that a second worker starts.
    """
    said: list[Any] = []
    asking = Mingle.__new__(Mingle)
    inspect = SimpleNamespace(hello=lambda node, ids: said.append((node, ids)))
    consumer: Any = SimpleNamespace(
        app=SimpleNamespace(control=SimpleNamespace(inspect=lambda **_: inspect)),
        controller=SimpleNamespace(state=SimpleNamespace(revoked=LimitedSet(data=revoked))),
        hostname="celery@second",
        connection=None,
    )
    asking.send_hello(consumer)
    ((node, ids),) = said
    asked = command("hello", arguments={"from_node": node, "revoked": ids})
    check_control(incoming(open_envelope(json.dumps(asked))), exchange=PIDBOX)


def test_every_command_is_refused_or_harmless() -> None:
    """Broken commands are refused by the same exception; a plain one passes."""
    for case in commands():
        try:
            check_control(incoming(open_envelope(case.raw)), exchange=PIDBOX)
        except RefusedError:
            continue
        assert not case.refused, case.name
    check_control(incoming(open_envelope(json.dumps(command()))), exchange=PIDBOX)


def test_excerpts_are_short_plain_text() -> None:
    """Whatever a message is, its excerpt is one bounded line without anything that acts."""
    for case in (*cases(), *commands()):
        excerpt = excerpt_of(case.raw)
        assert len(excerpt) <= LONGEST, case.name
        assert excerpt.isprintable(), case.name


def test_an_excerpt_of_json_is_json_and_hides_only_secrets() -> None:
    """Keys that address, tokens that are counted and empty values stay; a mask breaks no quotes."""
    kept: dict[str, Any] = {
        "delivery_info": {"exchange": "", "routing_key": "roadmap"},
        "primary_key": 7,
        "idempotency_key": "order-42",
        "max_tokens": 500,
        "author": "Ann",
        "token": None,
        "note": 'say "hello"',
    }
    hidden = {"password": "x1", "api_key": 4711, "accessToken": "x2", "session": ["x3"]}
    for body in (kept | hidden, [[], kept | hidden, {}]):
        shown = json.loads(excerpt_of(json.dumps({"body": json.dumps(body)})))["body"]
        found = shown if isinstance(shown, dict) else shown[1]
        assert found == kept | dict.fromkeys(hidden, "***")
    broken = excerpt_of(json.dumps(kept | hidden) + " and more")
    assert '"routing_key": "roadmap"}' in broken
    assert '"password": "***"' in broken


@pytest.mark.parametrize("secret", SECRETS)
def test_excerpts_hold_no_secrets(secret: str) -> None:
    """Passwords and tokens are hidden: under a telling name, in an address, in base64."""
    bodies: list[Any] = [
        {"password": secret},
        {"api_key": [secret]},
        [[], {"x": {"Authorization": f"Bearer {secret}"}}, {}],
        [f"postgresql://user:{secret}@host/db"],
        [f"token={secret}"],
        f'"secret": "{secret}',
    ]
    for body in bodies:
        text = json.dumps(body)
        messages = [text, f"{text} and more", text[:-1], json.dumps(envelope(body))]
        messages += [json.dumps(wrapped(text.encode(), {"token": secret}))]
        messages += [json.dumps({**envelope(), "body": text})]
        for message in messages:
            shown = excerpt_of(message)
            assert secret not in shown, message
            assert base64.b64encode(secret.encode()).decode()[:8] not in shown


def test_a_command_that_is_not_allowed_says_where_that_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What `celery control` and Flower show then names a heading that is there."""
    monkeypatch.setattr(Panel, "data", dict(Panel.data))
    control._restrict()
    told = Panel.data["pool_grow"](None)["error"]
    heading, document = re.findall("see (.+) in (docs/.+)[.]", told)[0]
    root = Path(__file__).parents[3]
    text = (root / document).read_text(encoding="utf-8")
    assert "remote control" in text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
