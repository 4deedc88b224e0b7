"""What changed between two versions of an outline."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roadmaps.diff import diff


def stored(
    *modules: tuple[str, list[str]], stage: str = "Stage", **fields: dict[str, Any]
) -> dict[str, Any]:
    """Return an outline as it is stored; a concept's id is its title's first letter."""
    return {
        "title": "T",
        "summary": "",
        "stages": [
            {
                "stage_id": "s",
                "title": stage,
                "modules": [
                    {
                        "module_id": f"m{name[0]}",
                        "title": name,
                        "concepts": [
                            {
                                "concept_id": title[0],
                                "title": title,
                                "description": "d",
                                "estimated_hours": 2.0,
                                "difficulty": "beginner",
                                "prerequisites": [],
                            }
                            | fields.get(title[0], {})
                            for title in titles
                        ],
                    }
                    for name, titles in modules
                ],
            }
        ],
    }


def test_same() -> None:
    """Nothing changed, nothing told."""
    version = stored(("1", ["a", "b"]), ("2", ["c"]))
    assert diff(version, version) == []
    assert diff(version, stored(("1", ["a", "b"]), ("2", ["c"]))) == []


def test_each_change() -> None:
    """Added, removed, renamed, moved and updated are told apart, with from and to."""
    before = stored(("1", ["a", "b", "e"]), ("2", ["c"]))
    after = stored(("1", ["b-new", "e"]), ("2", ["c", "d"]), e={"estimated_hours": 3.0})
    after["stages"][0]["modules"][1]["concepts"].insert(
        0, after["stages"][0]["modules"][0]["concepts"].pop(0)
    )
    told = {
        (change["change"], change["concept_id"]): change
        for change in diff(before, after)
        if change["part"] == "concept"
    }
    assert told.keys() == {
        ("removed", "a"),
        ("renamed", "b"),
        ("moved", "b"),
        ("added", "d"),
        ("updated", "e"),
    }
    assert told["renamed", "b"] | {"from": "b", "to": "b-new"} == told["renamed", "b"]
    assert told["moved", "b"] | {"from_module": "1", "to_module": "2"} == told["moved", "b"]
    assert told["added", "d"]["module"] == "2"
    assert told["removed", "a"]["module"] == "1"
    assert (
        told["updated", "e"] | {"field": "estimated_hours", "from": 2.0, "to": 3.0}
        == (told["updated", "e"])
    )


def test_each_field() -> None:
    """Each field that differs is a change of its own."""
    new = {
        "description": "x",
        "estimated_hours": 9.0,
        "difficulty": "advanced",
        "prerequisites": ["b"],
    }
    changes = diff(stored(("1", ["a", "b"])), stored(("1", ["a", "b"]), a=new))
    assert {change["field"]: change["to"] for change in changes} == new


def test_parts() -> None:
    """Stages and modules that came, went or were renamed are told."""
    before = stored(("1", ["a"]), ("2", ["b"]))
    after = stored(("1x", ["a"]), ("3", ["c"]), stage="Other")
    told = {(c["change"], c["part"]) for c in diff(before, after) if c["part"] != "concept"}
    assert told == {
        ("renamed", "stage"),
        ("renamed", "module"),
        ("added", "module"),
        ("removed", "module"),
    }


def test_reading_order() -> None:
    """Concepts' changes come in the order in which the new version is read."""
    before = stored(("1", ["a", "b", "c"]))
    after = stored(("1", ["ax", "bx", "cx"]))
    assert [change["concept_id"] for change in diff(before, after)] == ["a", "b", "c"]


def _moved(before: list[str], after: list[str]) -> set[str]:
    changes = diff(stored(("1", before)), stored(("1", after)))
    assert all(change["change"] == "moved" for change in changes)
    return {change["concept_id"] for change in changes}


def _fewest(before: list[str], after: list[str]) -> int:
    """Return the fewest moves that explain a new order, by trying all."""
    for stay in range(len(before), 0, -1):
        for kept in combinations(after, stay):
            if list(kept) == [key for key in before if key in kept]:
                return len(before) - stay
    return 0


def test_one_move_is_one() -> None:
    """One concept carried to another place is one move, not a move of all it passed."""
    assert _moved(list("abcdef"), list("bcdefa")) == {"a"}
    assert _moved(list("abcdef"), list("fabcde")) == {"f"}


def test_fewest_moves_exhaustively() -> None:
    """Of every new order of five the fewest moves are told."""
    letters = list("abcde")
    for order in permutations(letters):
        assert len(_moved(letters, list(order))) == _fewest(letters, list(order))


@given(st.permutations(list("abcdefg")))
def test_fewest_moves(order: list[str]) -> None:
    """Of a new order of seven the fewest moves are told, and the rest did stand in order."""
    letters = list("abcdefg")
    moved = _moved(letters, order)
    assert len(moved) == _fewest(letters, order)
    assert [key for key in letters if key not in moved] == [k for k in order if k not in moved]
