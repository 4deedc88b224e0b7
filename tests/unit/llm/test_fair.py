"""The queue that takes turns between users."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.fair import FairQueue

users = st.sampled_from("abcd")


@given(st.lists(st.tuples(st.sampled_from(["push", "pop", "discard"]), users), max_size=80))
def test_a_queue_against_its_rule(steps: list[tuple[str, str]]) -> None:
    """Each user's items come in order, and nobody gets a second one while another waits for one."""
    queue: FairQueue[tuple[str, int]] = FairQueue()
    lines: dict[str, list[tuple[str, int]]] = defaultdict(list)
    served_since: dict[str, Counter[str]] = {}
    for number, (step, user) in enumerate(steps):
        if step == "push":
            queue.push(user, (user, number))
            if not lines[user]:
                served_since[user] = Counter()
            lines[user].append((user, number))
        elif step == "discard":
            item = lines[user][-1] if lines[user] else (user, -1)
            assert queue.discard(user, item) == bool(lines[user])
            lines[user] = lines[user][:-1]
        elif any(lines.values()):
            shown = queue.peek()
            who, item_number = queue.pop()
            assert shown == (who, item_number) == lines[who].pop(0)
            for other, served in served_since.items():
                if lines[other] and other != who:
                    served[who] += 1
                    assert served[who] <= 1, f"{other} waits, and {who} was served twice"
            served_since[who] = Counter()
        assert len(queue) == sum(map(len, lines.values()))
    for _ in range(len(queue)):
        queue.pop()
    with pytest.raises(IndexError):
        queue.pop()


def test_five_hundred_do_not_hold_up_one() -> None:
    """One user's first call comes second, however many another has waiting."""
    queue: FairQueue[int] = FairQueue()
    for number in range(500):
        queue.push("busy", number)
    queue.push("new", -1)
    assert [queue.pop(), queue.pop(), queue.pop()] == [0, -1, 1]
