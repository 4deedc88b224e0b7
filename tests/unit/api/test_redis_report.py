"""Who is connected to Redis, and what is advised."""

from __future__ import annotations

from typing import Any

import pytest

from api.redis_report import advice, client_figures, kind_of


@pytest.mark.parametrize(
    ("flags", "sub", "psub", "kind"),
    [
        ("N", 0, 0, "normal"),
        ("b", 0, 0, "normal"),
        ("x", 0, 0, "normal"),
        ("P", 3, 0, "pubsub"),
        ("P", 0, 1, "pubsub"),
        ("xP", 1, 0, "pubsub"),
        ("Pb", 1, 0, "pubsub"),
        ("S", 0, 0, "replication"),
        ("M", 0, 0, "replication"),
        ("O", 0, 0, "monitor"),
        ("t", 0, 2, "pubsub"),
    ],
)
def test_flags_are_letters_of_a_set(flags: str, sub: int, psub: int, kind: str) -> None:
    """Several flags at once, lower and upper case, patterns and plain channels are told apart."""
    assert kind_of({"flags": flags, "sub": str(sub), "psub": str(psub)}) == kind


def test_every_client_is_counted_once() -> None:
    """The kinds add up to all clients, and so do the names."""
    clients = [
        {"flags": flags, "name": name, "sub": "1" if "P" in flags else "0", "omem": omem}
        for flags, name, omem in [
            ("N", "a", "0"),
            ("xP", "", "70"),
            ("P", "a", "5"),
            ("S", "", "0"),
        ]
    ]
    figures = client_figures(clients)
    kinds = ("normal_clients", "pubsub_clients", "other_clients")
    assert [figures[kind] for kind in kinds] == [1, 2, 1]
    assert figures["clients_by_name"] == {"a": 2, "unnamed": 2}
    assert figures["slowest_client_backlog"] == 70


def report(**server: Any) -> dict[str, Any]:
    """Return a report in which all is well, but for the given figures."""
    well = {
        "clients": 8,
        "max_clients": 10_000,
        "connections_rejected": 0,
        "used_memory": 1_000_000,
        "max_memory": 0,
        "max_memory_policy": "noeviction",
        "slowest_client_backlog": 0,
    }
    return {
        "hub": {"connected": True},
        "publisher": {"failing": False, "dropped": 0},
        "server": well | server,
    }


def test_nothing_is_advised_when_all_is_well() -> None:
    """Advice is only given where something is to be done."""
    assert advice(report()) == []


@pytest.mark.parametrize(
    ("server", "word"),
    [
        ({"clients": 9_000}, "maxclients"),
        ({"connections_rejected": 1}, "refused"),
        ({"max_memory": 1_100_000}, "memory"),
        ({"max_memory": 10_000_000, "max_memory_policy": "allkeys-lru"}, "noeviction"),
        ({"slowest_client_backlog": 9_000_000}, "omem"),
    ],
)
def test_each_trouble_has_its_advice(server: dict[str, Any], word: str) -> None:
    """What is wrong is named, and only that."""
    [text] = advice(report(**server))
    assert word in text


def test_this_process_own_troubles_are_told() -> None:
    """A lost hub and a failing publisher are told too."""
    ill = report() | {"hub": {"connected": False}, "publisher": {"failing": True, "dropped": 3}}
    assert len(advice(ill)) == 3
