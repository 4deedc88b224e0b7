"""The page of the API's documentation, written from its OpenAPI document."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from api.pages import asset
from roadmaps.rendering.markdown import to_html

_METHODS: Final = ("get", "post", "put", "patch", "delete")


def page(schema: dict[str, Any]) -> str:
    """Return the page as HTML."""
    info = schema["info"]
    by_tag: dict[str, list[str]] = {}
    for path, operations in schema["paths"].items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                tag = (operation.get("tags") or ["other"])[0]
                by_tag.setdefault(tag, []).append(_operation(method, path, operation))
    sections = "".join(
        f"<h2>{escape(tag.capitalize())}</h2>{''.join(parts)}" for tag, parts in by_tag.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])} API"
        f"</title><meta name=viewport content='width=device-width'>"
        f"<link rel=stylesheet href='{asset('css/docs.css')}'>"
        f"<h1>{escape(info['title'])} API</h1>{to_html(info.get('description', ''))}"
        f"<p>Machine-readable: <a href='openapi.json'>openapi.json</a></p>{sections}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    return (
        f"<details id='{escape(operation.get('operationId', ''))}'><summary>"
        f"<b>{method.upper()}</b> <code>{escape(path)}</code>"
        f" — {escape(operation.get('summary', ''))}</summary>"
        f"{to_html(operation.get('description', ''))}"
        f"{_parameters(operation.get('parameters', []))}{_examples(operation)}"
        f"{_responses(operation.get('responses', {}))}</details>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}</td>"
        f"<td>{escape(p.get('description', ''))}</td></tr>"
        for p in parameters
    )
    return f"<table><tr><th>Parameter<th>In<th></tr>{rows}</table>" if rows else ""


def _examples(operation: dict[str, Any]) -> str:
    import json

    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return "".join(
        f"<p>{escape(e.get('summary', name))}</p>"
        f"<pre>{escape(json.dumps(e['value'], indent=2, ensure_ascii=False))}</pre>"
        for name, e in content.get("examples", {}).items()
    )


def _responses(responses: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(r.get('description', ''))}</td></tr>"
        for status, r in responses.items()
    )
    return f"<table><tr><th>Answer<th></tr>{rows}</table>"
