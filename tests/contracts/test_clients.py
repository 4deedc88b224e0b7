"""What stands by hand beside the clients' generated types agrees with the server."""

from __future__ import annotations

import re
from typing import Final

import pytest

from core.states import TERMINAL
from docs.client_shapes import all_shapes, one_of
from notifications.events import TERMINAL_EVENTS
from roadmap_client import TERMINAL_STATUSES, TERMINAL_TYPES
from tests.built import ROOT

STATIC: Final = ROOT / "api/static"
WORDS: Final = re.compile(r'"(\w+)"')


def words_of(constant: str) -> set[str]:
    """Return the words of a set in the JavaScript client."""
    source = (STATIC / "client/watching.js").read_text(encoding="utf-8")
    (found,) = re.findall(rf"export const {constant} = new Set\(\[(.*?)\]\)", source, re.DOTALL)
    return set(WORDS.findall(found))


def test_both_clients_know_what_ends_a_task() -> None:
    """The statuses and types of events that end an attempt are those of the server."""
    assert words_of("TERMINAL_STATUSES") == TERMINAL_STATUSES == {str(s) for s in TERMINAL}
    assert words_of("TERMINAL_EVENTS") == TERMINAL_TYPES == {str(e) for e in TERMINAL_EVENTS}


def test_declarations_name_what_there_is() -> None:
    """The types that the hand-written declarations import are among the generated ones."""
    types = (STATIC / "client/types.d.ts").read_text(encoding="utf-8")
    known = set(re.findall(r"^export (?:interface|type) (\w+)", types, re.MULTILINE))
    by_hand = (STATIC / "roadmap-client.d.ts").read_text(encoding="utf-8")
    imported = re.findall(r"import type \{(.*?)\} from", by_hand, re.DOTALL)
    assert {name for names in imported for name in re.findall(r"\w+", names)} <= known


def test_two_shapes_of_one_name_are_told() -> None:
    """A shape of the API that would hide another one in the clients stops `make docs`."""
    shape = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    other = shape | {"required": []}
    base = {"Concept": shape, "ConceptView": shape}
    openapi = {"components": {"schemas": base | {"Cat": shape, "CatView": other}}}
    with pytest.raises(ValueError, match="CatView: two different shapes"):
        all_shapes(openapi)


def test_one_shape_for_several() -> None:
    """What differs is what its variants have in common; what some lack is null, a text empty."""
    text, number = {"type": "string"}, {"type": "integer"}
    first = {"properties": {"kind": {"const": "a"}, "n": number, "t": text}, "required": ["n"]}
    second = {"properties": {"kind": {"const": "b"}}, "required": []}
    assert one_of([first, second]) == {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["a", "b"]},
            "n": {"anyOf": [number, {"type": "null"}]},
            "t": text,
        },
        "required": [],
    }
