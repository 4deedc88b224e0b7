"""What a storm gave, for people, for the table in docs/RELIABILITY.md and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Final

UNDISTURBED_S: Final = 6.0
HEAD: Final = (
    "| seed | minutes | faults | tasks | takeover p50 / p95 / max | … undisturbed | repeated calls"
    " | repeated finished parts | events at viewers, lost, doubled | connections at the end"
    " | verdict |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(kw_only=True, slots=True)
class Takeover:
    """How long a task waited whose process was killed."""

    what: str
    took_s: float
    disturbed: bool
    """Another fault came before or soon after."""


@dataclass(kw_only=True, slots=True)
class Report:
    """What a storm gave."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    weather: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    takeovers: list[Takeover] = field(default_factory=list)
    before: str = ""
    after: str = ""
    peak: int = 0
    load: str = ""
    took_s: float = 0.0

    def quantiles(self, *, undisturbed: bool = False) -> str:
        """Return p50, p95 and the longest takeover in seconds."""
        found = sorted(t.took_s for t in self.takeovers if not (undisturbed and t.disturbed))
        if not found:
            return "none"
        p50, p95 = (found[min(len(found) - 1, int(len(found) * q))] for q in (0.5, 0.95))
        return f"{p50:.1f} / {p95:.1f} / {found[-1]:.1f} s of {len(found)}"

    def row(self) -> str:
        """Return the storm's row of the table."""
        counts = self.counts
        events = [counts["events at viewers"], counts["lost events"], counts["doubled events"]]
        cells = [
            self.seed,
            f"{self.took_s / 60:.0f}",
            self.faults.total(),
            counts["accepted"],
            self.quantiles(),
            self.quantiles(undisturbed=True),
            f"{counts['repeated calls']} of {counts['calls']}",
            counts["repeated finished parts"],
            ", ".join(map(str, events)),
            self.after.partition(";")[0],
            f"{len(self.wrong)} wrong" if self.wrong else "nothing wrong",
        ]
        return "| " + " | ".join(map(str, cells)) + " |"

    def text(self) -> str:
        """Return the report for people."""
        lines = [f"storm of {self.took_s:.0f} s, seed {self.seed}, load {self.load}"]
        for name, number in sorted(self.counts.items()):
            lines.append(f"  {name}: {number}")
        lines += [f"  fault {name}: {number}" for name, number in sorted(self.faults.items())]
        lines.append(f"  weather: {self.weather.total()} times; {dict(self.weather)}")
        lines += [f"  odd weather: {line}" for line in self.odd]
        lines.append(f"  takeover p50 / p95 / max: {self.quantiles()}")
        lines.append(f"  … with no other fault near: {self.quantiles(undisturbed=True)}")
        lines += [f"  before: {self.before}", f"  after: {self.after}, peak {self.peak}"]
        lines += [f"  WRONG {line}" for line in self.wrong] or ["  nothing is wrong"]
        return "\n".join([*lines, HEAD, self.row()])

    def json(self) -> str:
        """Return everything as JSON."""
        told = {name: getattr(self, name) for name in self.__slots__}
        takeovers = [asdict(each) for each in self.takeovers]
        return json.dumps({**told, "takeovers": takeovers}, indent=1)
