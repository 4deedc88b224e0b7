"""Digests of inputs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.digest import digest

json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_like, min_size=2, max_size=6))
def test_order_of_keys(value: dict[str, object]) -> None:
    """The order of keys does not matter, at any depth."""
    assert digest(value) == digest(dict(reversed(value.items())))
    assert digest([value]) == digest([dict(sorted(value.items()))])


@given(json_like, json_like)
def test_differs(one: object, other: object) -> None:
    """Different values have different digests, equal ones the same."""
    import json

    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) is same


def test_stable() -> None:
    """A digest is stored, so it may never change: 32 hexadecimal characters of SHA-256."""
    assert digest({"b": 1, "a": [None, "ü"]}) == "bd2ff14a36bf5950f33b33f3b51ab019"
