"""Finds what would break clients of the API: `python -m docs.compatibility`.

Compares the API's OpenAPI document as it would be published with the released one, which is
committed as `openapi.released.json`. `--accept` makes the present one the released one: when the
additions of a release are to be kept from then on, or a break is wanted and told in CHANGELOG.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docs.generate import openapi

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASED: Final = Path(__file__).parent / "openapi.released.json"
METHODS: Final = ("get", "post", "put", "patch", "delete")
ADVICE: Final = (
    "Clients hold on to this. Keep what was there and add beside it. If the break is wanted, tell"
    " it in CHANGELOG.md and run `python -m docs.compatibility --accept`."
)


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return what clients of the old document would miss in the new one, a sentence for each."""
    return list(_operations(old, new))


def _operations(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for path, methods in old["paths"].items():
        if path not in new["paths"]:
            yield f"{path} is gone"
            continue
        for method in METHODS:
            if method not in methods:
                continue
            name = f"{method.upper()} {path}"
            after = new["paths"][path].get(method)
            if after is None:
                yield f"{name} is gone"
            else:
                yield from _operation(name, methods[method], after, _Schemas(old, new))


def _operation(
    name: str, old: dict[str, Any], new: dict[str, Any], schemas: _Schemas
) -> Iterator[str]:
    if old.get("operationId") != new.get("operationId"):
        yield f"{name} was called {old.get('operationId')}, now {new.get('operationId')}"
    before = {(p["in"], p["name"]): p for p in old.get("parameters", [])}
    after = {(p["in"], p["name"]): p for p in new.get("parameters", [])}
    yield from (f"{name} no longer takes {n} in {w}" for w, n in before.keys() - after.keys())
    for key, parameter in after.items():
        told = f"{name}: {key[1]} in {key[0]}"
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{told} is required now"
        if key in before:
            yield from schemas.input(told, before[key].get("schema"), parameter.get("schema"))
    yield from _body(name, old.get("requestBody", {}), new.get("requestBody", {}), schemas)
    for status, response in old["responses"].items():
        if status not in new["responses"]:
            yield f"{name} no longer answers {status}"
            continue
        for media, content in response.get("content", {}).items():
            now = new["responses"][status].get("content", {}).get(media)
            if now is None:
                yield f"{name} no longer answers {status} as {media}"
            else:
                told = f"{name}, answer {status}"
                yield from schemas.output(told, content.get("schema"), now.get("schema"))


def _body(name: str, old: dict[str, Any], new: dict[str, Any], schemas: _Schemas) -> Iterator[str]:
    if new.get("required") and not old.get("required"):
        yield f"{name} needs a body now"
    for media, content in old.get("content", {}).items():
        now = new.get("content", {}).get(media)
        if now is None:
            yield f"{name} no longer takes {media}"
        else:
            yield from schemas.input(f"{name}, body", content.get("schema"), now.get("schema"))


class _Schemas:
    """Compares schemas of the two documents, following references, each pair once."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[bool, str]] = set()

    def input(self, told: str, old: Any, new: Any) -> Iterator[str]:
        """Return what was accepted and is no longer."""
        return self._compare(told, old, new, sent=True)

    def output(self, told: str, old: Any, new: Any) -> Iterator[str]:
        """Return what was promised and is no longer."""
        return self._compare(told, old, new, sent=False)

    def _compare(self, told: str, old: Any, new: Any, *, sent: bool) -> Iterator[str]:
        if not isinstance(old, dict) or not isinstance(new, dict):
            return
        reference = old.get("$ref")
        if reference is not None:
            if (sent, reference) in self._seen:
                return
            self._seen.add((sent, reference))
            told = reference.rsplit("/", 1)[1]
        old, new = _resolve(self._old, old), _resolve(self._new, new)
        kinds, now = _types(old), _types(new)
        narrower, wider = kinds - now, now - kinds
        if kinds and now and (narrower if sent else wider):
            yield f"{told} was {_listed(kinds)}, now {_listed(now)}"
        gone = _values(old) - _values(new) if _values(new) or not sent else set()
        if _values(old) and gone:
            yield f"{told} has no value {_listed(gone)} any more"
        yield from self._fields(told, old, new, sent=sent)
        if "items" in old and "items" in new:
            yield from self._compare(f"{told}[]", old["items"], new["items"], sent=sent)
        yield from self._variants(told, old, new, sent=sent)

    def _fields(
        self, told: str, old: dict[str, Any], new: dict[str, Any], *, sent: bool
    ) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for field in before:
            if field not in after:
                yield f"{told}.{field} is gone"
            else:
                yield from self._compare(f"{told}.{field}", before[field], after[field], sent=sent)
        required, now = set(old.get("required", [])), set(new.get("required", []))
        if sent:
            yield from (f"{told}.{field} is required now" for field in sorted(now - required))
        else:
            dropped = (required - now) & after.keys()
            yield from (f"{told}.{field} may be missing now" for field in sorted(dropped))

    def _variants(
        self, told: str, old: dict[str, Any], new: dict[str, Any], *, sent: bool
    ) -> Iterator[str]:
        """Compare the variants of a union by their names; a new one is no break when sent."""
        for keyword in ("anyOf", "oneOf"):
            before = {_name(v): v for v in old.get(keyword, [])}
            after = {_name(v): v for v in new.get(keyword, [])}
            for name, variant in before.items():
                if name in after:
                    yield from self._compare(told, variant, after[name], sent=sent)
                elif after:
                    yield f"{told} has no variant {name} any more"


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _types(schema: dict[str, Any]) -> set[str]:
    variants = schema.get("anyOf", [schema])
    return {str(v.get("type", v.get("$ref", "")).rsplit("/", 1)[-1]) for v in variants} - {""}


def _values(schema: dict[str, Any]) -> set[str]:
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return {str(value) for value in values}


def _name(variant: dict[str, Any]) -> str:
    return str(variant.get("$ref", variant.get("type", variant))).rsplit("/", 1)[-1]


def _listed(names: set[str]) -> str:
    return " or ".join(sorted(names))


def main() -> None:
    """Tell what would break, or accept it."""
    if "--accept" in sys.argv[1:]:
        RELEASED.write_text(openapi(), encoding="utf-8")
        return
    found = breaking_changes(
        json.loads(RELEASED.read_text(encoding="utf-8")), json.loads(openapi())
    )
    sys.exit("\n".join([*found, ADVICE]) if found else 0)


if __name__ == "__main__":
    main()
