"""What a roadmap takes before there is any experience."""

from __future__ import annotations

import re
from pathlib import Path

from roadmaps.estimate import CONCEPTS, CONTENTS, typical_roadmap

PAGE = Path(__file__).parents[3] / "api" / "static" / "views" / "usually.js"


def test_the_pages_promise_what_is_estimated() -> None:
    """What home says of a first roadmap are the figures of the estimate, its tokens rounded."""
    [told] = re.findall(r"TYPICAL = \{ (.*) \};", PAGE.read_text())
    said = {name: int(value.replace("_", "")) for name, value in re.findall(r"(\w+): (\w+)", told)}
    tokens = round(typical_roadmap({}, None).tokens, -4)
    steps = 3
    assert said == {
        "concepts": CONCEPTS,
        "contents": CONTENTS,
        "calls": CONTENTS + steps,
        "tokens": tokens,
    }
